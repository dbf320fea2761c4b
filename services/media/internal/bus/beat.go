package bus

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
)

// interval is how often a node says that it lives.
const interval = 500 * time.Millisecond

// Status is what a beat says.
type Status struct {
	Peers    int
	Packets  uint64 // received and sent, since the start
	Bytes    uint64 // likewise
	LostIn   uint64 // likewise; see NodeStatus
	LostOut  uint64
	Draining bool

	Keeper       string // id of the node that keeps the values of this one's peers, empty for none
	KeeperChange uint64 // how many times it has been another
}

// Capacity is what a node may be given at most; 0 for no limit.
type Capacity struct {
	Packets, Bits uint64 // a second, received and sent
	Peers         int
}

// Serves is what a node has to say of itself that stays as it is. See NodeStatus.
type Serves struct {
	ICETCP, IPv6      bool
	PublicIPs         []netip.Addr
	NoMediaTimer      uint32 // seconds
	SlowLinkThreshold uint32 // packets lost in a second
	StatsPeriod       uint32 // seconds
	TellsEvents       bool
	PostsEvents       bool
}

// Beats tell everybody that the node lives, and how busy it is.
type Beats struct {
	Conn        *nats.Conn
	ID          string // of this process: never the same again
	Name        string // stays over restarts
	GRPCAddress string
	Capacity    Capacity
	Serves      Serves
	Status      func() Status
	Changed     <-chan struct{} // what is to be said at once has changed
	Log         *slog.Logger
}

// Run beats twice a second, at once at first, until ctx ends; the last beat says so.
func (b *Beats) Run(ctx context.Context) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	last, at, cpu := b.Status(), time.Now(), cpuTime()
	said := &busv1.NodeStatus{Peers: uint32(last.Peers), Draining: last.Draining, Keeper: last.Keeper, KeeperChange: last.KeeperChange}
	b.publish(said)
	for {
		select {
		case <-ctx.Done():
			b.publish(&busv1.NodeStatus{Leaving: true, Draining: true})
			_ = b.Conn.FlushTimeout(interval) // nobody to tell, if it fails
			return
		case <-b.Changed:
			now := b.Status()
			said.Peers, said.Draining, said.Keeper, said.KeeperChange = uint32(now.Peers), now.Draining, now.Keeper, now.KeeperChange
			b.publish(said)
			continue
		case <-ticker.C:
		}
		now, moment, used := b.Status(), time.Now(), cpuTime()
		seconds := moment.Sub(at).Seconds()
		said = &busv1.NodeStatus{
			Peers: uint32(now.Peers), Draining: now.Draining, Keeper: now.Keeper, KeeperChange: now.KeeperChange,
			PacketsPerSecond: uint64(float64(now.Packets-last.Packets) / seconds),
			BitsPerSecond:    uint64(8 * float64(now.Bytes-last.Bytes) / seconds),
			LostInPerSecond:  uint32(float64(now.LostIn-last.LostIn) / seconds),
			LostOutPerSecond: uint32(float64(now.LostOut-last.LostOut) / seconds),
			Cpu:              float32((used - cpu).Seconds() / seconds / cores()),
		}
		b.publish(said)
		last, at, cpu = now, moment, used
	}
}

func (b *Beats) publish(s *busv1.NodeStatus) {
	s.Id, s.Name, s.GrpcAddress = b.ID, b.Name, b.GRPCAddress
	s.IceTcp, s.Ipv6, s.PublicIps = b.Serves.ICETCP, b.Serves.IPv6, texts(b.Serves.PublicIPs)
	s.NoMediaTimerS, s.SlowLinkThreshold = b.Serves.NoMediaTimer, b.Serves.SlowLinkThreshold
	s.StatsPeriodS, s.TellsEvents, s.PostsEvents = b.Serves.StatsPeriod, b.Serves.TellsEvents, b.Serves.PostsEvents
	s.CapacityPackets, s.CapacityBits, s.MaxPeers = b.Capacity.Packets, b.Capacity.Bits, uint32(b.Capacity.Peers)
	if err := bus.Publish(b.Conn, bus.NodeBeats, s); err != nil {
		b.Log.Debug("beat not sent", "err", err) // the connection reports its own troubles
	}
}

func texts(addresses []netip.Addr) []string {
	all := make([]string, len(addresses))
	for i, a := range addresses {
		all[i] = a.String()
	}
	return all
}
