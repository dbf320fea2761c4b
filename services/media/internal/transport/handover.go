package transport

import "time"

// datagrams are what came on one worker's socket in a burst for peers of another.
type datagrams struct {
	via     *Worker       // on whose socket
	arrived time.Duration // when the burst was read
	bytes   []byte        // all, one after another
	each    []datagram
}

type datagram struct {
	from path
	end  int // in bytes
}

// joined makes the lanes to all other workers of the port.
func (w *Worker) joined() {
	for _, to := range w.group.workers {
		var lane *Lane[datagrams]
		if to != w {
			lane = NewLane(to, to.receiveAll)
		}
		w.lanes = append(w.lanes, lane)
	}
}

// handOver takes a datagram to the worker whose it is, at the end of the burst.
func (w *Worker) handOver(to *Worker, from path, b []byte, now time.Duration) {
	d := w.lanes[to.index].Load()
	if d == nil {
		w.drop(DropHandOverFull)
		return
	}
	w.inbound.HandedOver++
	d.via, d.arrived = w, now
	d.bytes = append(d.bytes, b...)
	d.each = append(d.each, datagram{from, len(d.bytes)})
}

// receiveAll takes what another worker has handed over.
func (w *Worker) receiveAll(d *datagrams, _ time.Duration) {
	start := 0
	for _, one := range d.each {
		w.sort(one.from, d.via, d.bytes[start:one.end], d.arrived)
		start = one.end
	}
	clear(d.each) // let go of connections
	d.bytes, d.each = d.bytes[:0], d.each[:0]
}

// sendOff ends a burst for all lanes.
func (w *Worker) sendOff() {
	for _, lane := range w.lanes {
		if lane != nil {
			lane.Send()
		}
	}
}
