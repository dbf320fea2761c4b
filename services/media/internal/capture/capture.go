package capture

import (
	"bufio"
	"encoding/binary"
	"io"
	"sync/atomic"
	"time"
)

const (
	// waiting is how many packets may wait for the file; those beyond are left out.
	waiting = 1024
	// snapLength is the longest packet of a file.
	snapLength = 65535
	ethernet   = 1 // LINKTYPE_ETHERNET
)

// format is how a file is written.
type format struct {
	extension string
	header    []byte
	record    func(p *packet, of string) []byte
}

// Capture is one file. Packet and Close are of one goroutine, Run is of another.
type Capture struct {
	file     io.WriteCloser
	format   format
	of       string // whose packets these are, for people
	truncate int
	most     int64
	queue    chan packet
	missed   atomic.Uint64
	written  int64
}

type packet struct {
	at      time.Time
	inbound bool
	length  int // on the wire, without the headers that are made up
	data    []byte
}

func newCapture(file io.WriteCloser, format format, truncate uint32, most int64) *Capture {
	keep := snapLength - headers
	if truncate > 0 {
		keep = int(min(truncate, uint32(keep)))
	}
	return &Capture{file: file, format: format, truncate: keep, most: most, queue: make(chan packet, waiting)}
}

// Packet has a packet written, of which it keeps a copy. It never waits.
func (c *Capture) Packet(b []byte, inbound bool) {
	kept := b[:min(len(b), c.truncate)]
	select {
	case c.queue <- packet{time.Now(), inbound, len(b), append([]byte(nil), kept...)}:
	default:
		c.missed.Add(1)
	}
}

// Close ends the capture; no Packet may follow.
func (c *Capture) Close() { close(c.queue) }

// Missed is how many packets were left out: the file was too slow, had no room, or would have been too large.
func (c *Capture) Missed() uint64 { return c.missed.Load() }

// Run writes until Close. It returns the first error of the file, after which nothing is written any more.
func (c *Capture) Run() error {
	w := bufio.NewWriterSize(c.file, 64<<10)
	_, err := w.Write(c.format.header)
	c.written = int64(len(c.format.header))
	for p := range c.queue {
		record := c.format.record(&p, c.of)
		if err != nil || c.written+int64(len(record)) > c.most {
			c.missed.Add(1)
			continue
		}
		if _, err = w.Write(record); err == nil {
			c.written += int64(len(record))
			if len(c.queue) == 0 {
				err = w.Flush() // what is there can be looked at
			}
		}
	}
	if flushed := w.Flush(); err == nil {
		err = flushed
	}
	if closed := c.file.Close(); err == nil {
		err = closed
	}
	return err
}

// pcap is the format of most programs that show packets.
var pcap = format{extension: "pcap", header: fileHeader(), record: func(p *packet, _ string) []byte { return p.record() }}

// fileHeader is that of pcap 2.4 with timestamps in µs (draft-ietf-opsawg-pcap, section 4).
func fileHeader() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint32(b, snapLength)
	return binary.LittleEndian.AppendUint32(b, ethernet)
}

// headers is the length of what is put before a packet: Ethernet, IPv4, UDP.
const headers = 14 + 20 + 8

// record is a packet as if it had been caught on a network (section 5): between 10.1.1.1, the endpoint, and 10.2.2.2, us.
func (p *packet) record() []byte {
	whole := headers + p.length
	b := make([]byte, 0, 16+headers+len(p.data))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.at.Unix()))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.at.Nanosecond()/1000))
	b = binary.LittleEndian.AppendUint32(b, uint32(headers+len(p.data)))
	b = binary.LittleEndian.AppendUint32(b, uint32(whole))

	from, to := [4]byte{10, 1, 1, 1}, [4]byte{10, 2, 2, 2}
	fromPort, toPort := uint16(1000), uint16(2000)
	if !p.inbound {
		from, to, fromPort, toPort = to, from, toPort, fromPort
	}
	b = append(b, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0) // locally administered addresses; IPv4 follows

	ip := len(b)
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(min(whole-14, 65535)))
	b = append(b, 0, 0, 0, 0, 64, 17, 0, 0)
	b = append(b, from[:]...)
	b = append(b, to[:]...)
	binary.BigEndian.PutUint16(b[ip+10:], checksum(b[ip:]))

	b = binary.BigEndian.AppendUint16(b, fromPort)
	b = binary.BigEndian.AppendUint16(b, toPort)
	b = binary.BigEndian.AppendUint16(b, uint16(min(whole-34, 65535)))
	b = append(b, 0, 0) // no checksum (RFC 768)
	return append(b, p.data...)
}

// checksum is that of RFC 791.
func checksum(header []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(header); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(header[i:]))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
