package transport

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/sctp"
)

// channel is an open data channel.
type channel struct {
	*datachannel.DataChannel // nil until the association is there again
	state                    ChannelState
	answered                 atomic.Bool // the endpoint has said that it knows of one of ours
}

// ChannelState is an open data channel as another node can go on with it (RFC 8832, section 5.1).
type ChannelState struct {
	Stream          uint16
	Label, Protocol []byte
	Type            uint8  // order and reliability
	Reliability     uint32 // its parameter: milliseconds, or times
	Ours            bool   // opened by us, not by the endpoint
	Answered        bool   // the endpoint knows of it
}

// DataState is the data channels of a peer as another node can go on with them.
type DataState struct {
	Associated bool // there is an association
	Channels   []ChannelState
	Waiting    []WaitingMessage // not sent yet, oldest first
	Overflowed bool             // too much waited: channels are reliable, so they end
}

// WaitingMessage is a Message between nodes.
type WaitingMessage struct {
	Label []byte
	Text  bool
	Data  []byte
}

const (
	// maxNames bounds labels and protocols of all channels that are carried, in bytes.
	maxNames = 64 << 10
	// maxWaiting bounds the messages that are, in bytes, and maxWaitingCount their number.
	maxWaiting      = 1 << 20
	maxWaitingCount = 4096
)

var errChannels = errors.New("data channels are not ones that another node can go on with")

// check tells whether a state is one that a node gives.
func (s *DataState) check() error {
	if len(s.Channels) > maxChannels || len(s.Waiting) > maxWaitingCount {
		return fmt.Errorf("%w: %d of them, %d messages", errChannels, len(s.Channels), len(s.Waiting))
	}
	names, bytes := 0, 0
	for i := range s.Channels {
		one := &s.Channels[i]
		names += len(one.Label) + len(one.Protocol)
		again := slices.ContainsFunc(s.Channels[:i], func(other ChannelState) bool { return other.Stream == one.Stream })
		if again || one.Stream == 1<<16-1 || one.Type&0x7f > 2 {
			return fmt.Errorf("%w: stream %d", errChannels, one.Stream)
		}
	}
	for i := range s.Waiting {
		bytes += len(s.Waiting[i].Data) + len(s.Waiting[i].Label)
		if len(s.Waiting[i].Data) > MaxMessage {
			return fmt.Errorf("%w: a message of %d bytes", errChannels, len(s.Waiting[i].Data))
		}
	}
	if names > maxNames || bytes > maxWaiting {
		return fmt.Errorf("%w: %d bytes of names, %d of messages", errChannels, names, bytes)
	}
	return nil
}

func newChannel(opened *datachannel.DataChannel, ours bool) *channel {
	one := &channel{DataChannel: opened, state: ChannelState{
		Stream: opened.StreamIdentifier(), Label: []byte(opened.Label), Protocol: []byte(opened.Protocol),
		Type: uint8(opened.ChannelType), Reliability: opened.ReliabilityParameter, Ours: ours,
	}}
	if ours {
		opened.OnOpen(func() { one.answered.Store(true) })
	} else {
		one.answered.Store(true)
	}
	return one
}

// enlist makes a channel the newest of its label.
func (c *channels) enlist(one *channel, p *Peer) {
	c.mu.Lock()
	c.all = append(c.all, one)
	c.mu.Unlock()
	p.tellChannels()
}

func (c *channels) retire(one *channel, p *Peer) {
	c.mu.Lock()
	c.all = slices.DeleteFunc(c.all, func(other *channel) bool { return other == one })
	c.mu.Unlock()
	p.tellChannels()
}

// forget ends what was to be opened again.
func (c *channels) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count -= len(c.all)
	c.all = nil
}

func (c *channels) labelled(label string) *channel {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range slices.Backward(c.all) {
		if string(one.state.Label) == label {
			return one
		}
	}
	return nil
}

// channelWatcher is a Handler that is told when data channels have come or gone.
type channelWatcher interface{ ChannelsChanged() }

func (p *Peer) tellChannels() {
	if watcher, ok := p.handler.(channelWatcher); ok {
		p.w.Post(func(time.Duration) {
			if !p.closed {
				watcher.ChannelsChanged()
			}
		})
	}
}

// carried is all for another node but what waits to be sent.
func (c *channels) carried() (DataState, error) {
	s := DataState{Associated: c.queue.opened()}
	if !s.Associated {
		return s, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.all {
		state := one.state
		state.Answered = one.answered.Load()
		s.Channels = append(s.Channels, state)
	}
	return s, s.check()
}

// adopt takes what another node had, to be opened again once the association is there. Until then messages wait.
func (c *channels) adopt(s *DataState) (overflow <-chan struct{}) {
	var waiting []Message
	for _, m := range s.Waiting {
		waiting = append(waiting, Message{Label: string(m.Label), Text: m.Text, Data: m.Data})
	}
	overflow = c.queue.open(waiting)
	if s.Overflowed {
		c.queue.abandon()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, state := range s.Channels {
		one := &channel{state: state}
		one.answered.Store(state.Answered)
		c.all = append(c.all, one)
		c.count++
	}
	return overflow
}

// reopen puts channels that another node had on an association. What the endpoint may not have heard of is said again.
func (c *channels) reopen(association *sctp.Association) map[*sctp.Stream]*channel {
	c.mu.Lock()
	defer c.mu.Unlock()
	reopened := map[*sctp.Stream]*channel{}
	c.all = slices.DeleteFunc(c.all, func(one *channel) bool {
		stream, err := association.OpenStream(one.state.Stream, sctp.PayloadTypeWebRTCBinary)
		if err == nil {
			stream.SetReliabilityParams(one.state.Type&0x80 != 0, one.state.Type&0x7f, one.state.Reliability)
			one.DataChannel, err = datachannel.Client(stream, &datachannel.Config{
				Negotiated: one.answered.Load(), ChannelType: datachannel.ChannelType(one.state.Type),
				ReliabilityParameter: one.state.Reliability, Label: string(one.state.Label), Protocol: string(one.state.Protocol),
				LoggerFactory: quiet(),
			})
		}
		if err != nil {
			c.count--
			return true
		}
		if !one.answered.Load() {
			one.OnOpen(func() { one.answered.Store(true) })
		}
		reopened[stream] = one
		return false
	})
	return reopened
}

// Withdraw takes what waits to be sent on data channels into a state that has been exported. Nothing is sent here any more.
func (p *Peer) Withdraw(s *State) {
	bytes := 0
	for _, m := range p.dtls.channels.queue.takeAll() {
		if bytes += len(m.Data) + len(m.Label); bytes > maxWaiting || len(s.Data.Waiting) == maxWaitingCount {
			s.Data.Waiting, s.Data.Overflowed = nil, true
			return
		}
		s.Data.Waiting = append(s.Data.Waiting, WaitingMessage{[]byte(m.Label), m.Text, m.Data})
	}
}

// HoldData has messages wait that are to be sent, or ends that: what was sent before is at the endpoint soon then, and the rest goes
// along to another node.
func (p *Peer) HoldData(held bool) { p.dtls.channels.queue.hold(held) }
