package capture

import (
	"encoding/hex"
	"slices"
)

// text2pcap is the format that Wireshark's program of that name makes a pcap file of, with options -D and -t %H:%M:%S.%f: a
// line for each packet, with I or O for its direction, local time, offset, bytes, and, which that program passes over, what
// it is and whose, as Janus writes it.
var text2pcap = format{extension: "txt", record: (*packet).line}

func (p *packet) line(of string) []byte {
	b := make([]byte, 0, 100+3*len(p.data))
	direction := byte('O')
	if p.inbound {
		direction = 'I'
	}
	b = append(b, direction, ' ')
	b = p.at.AppendFormat(b, "15:04:05.000000")
	b = append(b, " 000000 "...)
	for i := range p.data {
		b = append(b, ' ')
		b = hex.AppendEncode(b, p.data[i:i+1])
	}
	return slices.Concat(b, []byte(" JANUS_TEXT2PCAP_"+p.kind()+" "+of+"\r\n"))
}

// kind tells RTP and RTCP apart (RFC 5761, section 4).
func (p *packet) kind() string {
	if len(p.data) > 1 && p.data[1] >= 192 && p.data[1] <= 223 {
		return "RTCP"
	}
	return "RTP"
}
