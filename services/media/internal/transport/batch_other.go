//go:build !linux

package transport

import "net"

// batchSender gives a batch to the kernel, one datagram after another.
type batchSender struct{ one sender }

func (s *batchSender) init(conn *net.UDPConn) error { return s.one.init(conn) }

func (s *batchSender) prepare(*batch) {}

func (s *batchSender) send(b *batch, from int) (sent int, err error) {
	r := &b.runs[from]
	if err := s.one.send(b.data(r), nil, r.to); err != nil {
		return 0, err
	}
	return 1, nil
}
