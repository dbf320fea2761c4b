package recording

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

const (
	maxQueued      = 1024    // packets or messages that wait for the disk
	maxQueuedBytes = 4 << 20 // of messages
	flushEvery     = time.Second
	writeBuffer    = 64 << 10 // bytes
)

// buffer has room for a packet, as forward.Sender wants it.
type buffer [packet.MaxSize + 100]byte

// frame is what waits to be written: a packet in a buffer of the folder's, or a message.
type frame struct {
	at     time.Time
	packet *buffer
	size   int // of the packet
	data   []byte
}

// Recorder is a file being written. Its methods are for one goroutine, and never wait. It is a forward.Sender.
type Recorder struct {
	folder  *Folder
	name    string
	header  Header
	log     *slog.Logger
	created time.Time
	queue   chan frame    // closed by Close
	next    *buffer       // for the next packet
	closed  atomic.Bool   // by Close
	done    chan struct{} // closed when run has returned
	waiting atomic.Int64  // bytes of messages in queue
}

// Name is the file's path within the folder, as it is once the file is whole.
func (r *Recorder) Name() string { return r.name }

// Buffer is of forward.Sender.
func (r *Recorder) Buffer() []byte { return r.next[:0] }

// SendRTP is of forward.Sender.
func (r *Recorder) SendRTP(header, payload []byte) {
	size := len(append(header, payload...))
	select {
	case r.queue <- frame{at: time.Now(), packet: r.next, size: size}:
		r.next = r.folder.pool.Get().(*buffer)
	default:
		r.folder.dropped.Add(1)
	}
}

// NextTransportSeq is of forward.Sender; packets in files have none.
func (r *Recorder) NextTransportSeq(time.Duration) uint16 { return 0 }

// Message takes a data channel's message, which is copied.
func (r *Recorder) Message(b []byte) {
	if len(b)+dataClock > maxFrame || r.waiting.Load()+int64(len(b)) > maxQueuedBytes {
		r.folder.dropped.Add(1)
		return
	}
	select {
	case r.queue <- frame{at: time.Now(), data: slices.Clone(b)}:
		r.waiting.Add(int64(len(b)))
	default:
		r.folder.dropped.Add(1)
	}
}

// Close ends the file once all that waits is written, and does not wait for that.
func (r *Recorder) Close() {
	if !r.closed.Swap(true) {
		close(r.queue)
	}
}

// run writes until the recorder or the folder is closed. When the disk fails it goes on taking frames, to no use.
func (r *Recorder) run() {
	w, err := r.create()
	flush := time.NewTicker(flushEvery)
	defer flush.Stop()
	for more := err == nil; more; {
		select {
		case f, ok := <-r.queue:
			if more = ok; ok {
				err = w.write(&f)
				r.release(&f)
			}
		case <-flush.C:
			err = w.out.Flush()
		case <-r.folder.ending:
			for more = false; len(r.queue) > 0 && err == nil; {
				if f, ok := <-r.queue; ok {
					err = w.write(&f)
				}
			}
		}
		more = more && err == nil
	}
	if w != nil {
		err = errors.Join(err, w.close())
	}
	if err == nil {
		r.log.Info("recorded", "frames", w.frames)
		return
	}
	r.folder.failed.Add(1)
	r.log.Error("recording has ended before its time", "err", err)
	r.discard()
}

// discard takes what still comes.
func (r *Recorder) discard() {
	for {
		select {
		case f, ok := <-r.queue:
			if !ok {
				return
			}
			r.release(&f)
			r.folder.dropped.Add(1)
		case <-r.folder.ending:
			return
		}
	}
}

// release gives back what a frame took.
func (r *Recorder) release(f *frame) {
	if f.packet != nil {
		r.folder.pool.Put(f.packet)
	}
	r.waiting.Add(-int64(len(f.data)))
}

// writer is a file in the making.
type writer struct {
	root    *os.Root
	file    *os.File
	out     *bufio.Writer
	header  *Header
	created time.Time
	name    string // when it is finished
	suffix  string
	first   time.Time
	frames  int
	scratch []byte
}

func (r *Recorder) create() (*writer, error) {
	root := r.folder.root
	if dir := path.Dir(r.name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	w := &writer{root: root, header: &r.header, created: r.created, name: r.name, suffix: r.folder.suffix}
	var err error
	if w.suffix == "" {
		if err = w.keepFormer(); err != nil {
			return nil, err
		}
	}
	if w.file, err = root.OpenFile(w.name+w.suffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644); err != nil {
		return nil, err
	}
	w.out = bufio.NewWriterSize(w.file, writeBuffer)
	_, err = w.out.WriteString(fileMark) // all there is of a stream that sends nothing
	return w, err
}

// write appends a frame. Times in the file begin with the first.
func (w *writer) write(f *frame) error {
	b := w.scratch[:0]
	if w.frames == 0 {
		w.first = f.at
		b = w.header.append(b, w.created, w.first)
	}
	w.frames++
	body := f.data
	if f.packet != nil {
		body = f.packet[:f.size]
		b = appendFrameHeader(b, f.at.Sub(w.first), len(body))
	} else {
		b = appendFrameHeader(b, f.at.Sub(w.first), dataClock+len(body))
		b = binary.BigEndian.AppendUint64(b, uint64(f.at.UnixMicro()))
	}
	w.scratch = append(b, body...)
	_, err := w.out.Write(w.scratch)
	return err
}

// keepFormer gives a finished recording that has the name another, with the time when this one began: where Janus writes over
// it, the name is the new one's here as well.
func (w *writer) keepFormer() error {
	info, err := w.root.Lstat(w.name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil
	}
	if err != nil {
		return err
	}
	extension := path.Ext(w.name)
	former := fmt.Sprintf("%s.until-%d%s", strings.TrimSuffix(w.name, extension), w.created.UnixMicro(), extension)
	return w.root.Rename(w.name, former)
}

// close makes the file whole, and gives it its name.
func (w *writer) close() error {
	err := errors.Join(w.out.Flush(), w.file.Close())
	if err == nil && w.suffix != "" {
		if err = w.keepFormer(); err == nil {
			err = w.root.Rename(w.name+w.suffix, w.name)
		}
	}
	if err != nil {
		return fmt.Errorf("finish %s: %w", w.name, err)
	}
	return nil
}
