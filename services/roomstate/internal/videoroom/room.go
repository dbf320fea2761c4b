package videoroom

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// The stored fields: one for the room, one for each handle in it.
const (
	fieldRoom       = "room"
	fieldPublisher  = "p"
	fieldSubscriber = "s"
)

// Room is a room at one moment. It is never changed: rules work on a draft.
type Room struct {
	cfg  *Config
	name string // as the plugin's runner calls it
	id   ID

	attributes  *attributes // nil: there is no such room
	publishers  map[plugin.HandleID]*publisher
	subscribers map[plugin.HandleID]*subscriber
}

// attributes are a room's settings, by the names that create knows (spec/videoroom.md, section 2), and where it is.
type attributes struct {
	Description        string   `json:"description"`
	Private            bool     `json:"is_private,omitempty"`
	Secret             string   `json:"secret,omitempty"`
	HasSecret          bool     `json:"has_secret,omitempty"`
	Pin                string   `json:"pin,omitempty"`
	HasPin             bool     `json:"has_pin,omitempty"`
	Allowed            []string `json:"allowed,omitempty"`
	CheckAllowed       bool     `json:"check_allowed,omitempty"`
	RequirePrivateID   bool     `json:"require_pvtid,omitempty"`
	SignedTokens       bool     `json:"signed_tokens,omitempty"` // asked of who joins
	RequireE2EE        bool     `json:"require_e2ee,omitempty"`
	Publishers         int64    `json:"publishers"`
	Bitrate            uint32   `json:"bitrate"`
	BitrateCap         bool     `json:"bitrate_cap,omitempty"`
	KeyframeEvery      uint32   `json:"fir_freq"` // seconds; 0 for never
	AudioCodecs        []string `json:"audiocodec"`
	VideoCodecs        []string `json:"videocodec"`
	VP9Profile         string   `json:"vp9_profile,omitempty"`
	H264Profile        string   `json:"h264_profile,omitempty"`
	OpusFEC            bool     `json:"opus_fec"`
	OpusDTX            bool     `json:"opus_dtx"`
	OpusRED            bool     `json:"opus_red,omitempty"`
	AudioLoudest       uint32   `json:"audio_loudest,omitempty"` // who is heard at a time at most; 0 for all
	AudioLevel         bool     `json:"audiolevel_ext"`
	AudioLevelEvent    bool     `json:"audiolevel_event"`
	AudioActivePackets uint32   `json:"audio_active_packets"`
	AudioLevelAverage  uint32   `json:"audio_level_average"`
	Orientation        bool     `json:"videoorient_ext"`
	PlayoutDelay       bool     `json:"playoutdelay_ext"`
	TransportCC        bool     `json:"transport_wide_cc_ext"`
	Record             bool     `json:"record"`
	RecordDir          string   `json:"rec_dir,omitempty"`
	LockRecord         bool     `json:"lock_record,omitempty"`
	NotifyJoining      bool     `json:"notify_joining,omitempty"`
	DummyPublisher     bool     `json:"dummy_publisher,omitempty"`

	Node string `json:"node,omitempty"` // that has the room's feeds, once one was needed
}

// publisher is a handle that joined as one, whether it publishes or not; or what no handle has: a dummy, or another server's
// publisher. Those have the session 0.
type publisher struct {
	handle plugin.HandleID

	ID        ID              `json:"id"`
	PrivateID uint32          `json:"private_id"`
	OpaqueID  string          `json:"opaque_id,omitempty"`
	Display   *string         `json:"display,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	Joined    int64           `json:"joined"` // ns since 1970, for order alone
	Dummy     bool            `json:"dummy,omitempty"`
	Remote    bool            `json:"remote,omitempty"` // another server sends it

	Bitrate            uint32  `json:"bitrate"`
	Record             bool    `json:"record,omitempty"`
	Filename           string  `json:"filename,omitempty"`
	Takes              uint32  `json:"takes,omitempty"` // recordings begun so far
	AudioActivePackets *uint32 `json:"audio_active_packets,omitempty"`
	AudioLevelAverage  *uint32 `json:"audio_level_average,omitempty"`
	AudioCodec         string  `json:"audio_codec,omitempty"` // asked for with an offer, for all that comes with others until the peer ends
	VideoCodec         string  `json:"video_codec,omitempty"`

	Remotizations []remotization `json:"remotizations,omitempty"` // of what is published, now and later

	// What is published, none of it without a peer.
	Peer     *plugin.Peer `json:"peer,omitempty"`
	Streams  []stream     `json:"streams,omitempty"`
	E2EE     bool         `json:"e2ee,omitempty"`
	Forwards []forwarded  `json:"forwards,omitempty"`
	Written  *recording   `json:"written,omitempty"` // never changed in place

	Generation uint32 `json:"generation,omitempty"` // of the last peer
}

// live tells whether the feed can be subscribed to: its media is up, or there never will be any.
func (p *publisher) live() bool {
	return (p.Dummy || p.Peer != nil && p.Peer.Up) && len(p.Streams) > 0
}

func (p *publisher) clone() *publisher {
	c := *p
	c.Streams = slices.Clone(p.Streams)
	c.Forwards = slices.Clone(p.Forwards)
	c.Remotizations = slices.Clone(p.Remotizations)
	c.Peer = clonePeer(p.Peer)
	return &c
}

func clonePeer(p *plugin.Peer) *plugin.Peer {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

func (p *publisher) stream(mid string) *stream {
	for i := range p.Streams {
		if p.Streams[i].Mid == mid {
			return &p.Streams[i]
		}
	}
	return nil
}

// stream is an m= section of a publisher.
type stream struct {
	Type        string `json:"type"`
	Mid         string `json:"mid"`
	Codec       string `json:"codec,omitempty"`
	Disabled    bool   `json:"disabled,omitempty"`
	Description string `json:"description,omitempty"`
	Stereo      bool   `json:"stereo,omitempty"`
	FEC         bool   `json:"fec,omitempty"`
	DTX         bool   `json:"dtx,omitempty"`
	H264Profile string `json:"h264_profile,omitempty"`
	VP9Profile  string `json:"vp9_profile,omitempty"`
	Simulcast   bool   `json:"simulcast,omitempty"`
	SVC         bool   `json:"svc,omitempty"`
	LevelID     uint32 `json:"level_id,omitempty"`
	OrientID    uint32 `json:"orient_id,omitempty"`
	DelayID     uint32 `json:"delay_id,omitempty"`
	Paused      bool   `json:"paused,omitempty"` // send:false
	Muted       bool   `json:"muted,omitempty"`  // moderated
	Talking     bool   `json:"talking,omitempty"`
	Level       int    `json:"level,omitempty"` // -dBov, the mean when it last began or stopped to talk
	MinDelay    *int32 `json:"min_delay,omitempty"`
	MaxDelay    *int32 `json:"max_delay,omitempty"`
}

// relayed tells whether the stream goes to subscribers: two flags, independent of each other.
func (s *stream) relayed() bool { return !s.Paused && !s.Muted }

// The types of streams.
const (
	audio = "audio"
	video = "video"
	data  = "data"
)

// subscriber is a handle that joined as one.
type subscriber struct {
	handle plugin.HandleID

	OpaqueID   string       `json:"opaque_id,omitempty"`
	PrivateID  uint32       `json:"private_id,omitempty"`
	AutoUpdate bool         `json:"autoupdate,omitempty"`
	UseMSID    bool         `json:"use_msid,omitempty"`
	E2EE       bool         `json:"e2ee,omitempty"`
	Paused     bool         `json:"paused,omitempty"`
	Kicked     bool         `json:"kicked,omitempty"` // with the participant whose private id it was opened under
	Slots      []slot       `json:"slots"`
	Told       int          `json:"told"` // how many of the slots were in the last offer
	Peer       *plugin.Peer `json:"peer,omitempty"`
	Generation uint32       `json:"generation,omitempty"`

	// There is never more than one offer without an answer: what changes meanwhile is offered after it.
	Offered bool `json:"offered,omitempty"` // an offer waits for its answer
	Changed bool `json:"changed,omitempty"` // something is to be offered
	Unasked bool `json:"unasked,omitempty"` // what only the next change that is asked for has offered: a source is gone, without autoupdate
	Restart bool `json:"restart,omitempty"` // with an ICE restart
}

func (s *subscriber) clone() *subscriber {
	c := *s
	c.Slots = slices.Clone(s.Slots)
	for i := range c.Slots {
		c.Slots[i].Data = slices.Clone(c.Slots[i].Data)
	}
	c.Peer = clonePeer(s.Peer)
	return &c
}

func (s *subscriber) slot(mid string) *slot {
	for i := range s.Slots {
		if s.Slots[i].Mid == mid {
			return &s.Slots[i]
		}
	}
	return nil
}

// slot is an m= section of a subscriber. Slots stay; one without a source is inactive.
type slot struct {
	Type        string   `json:"type"`
	Mid         string   `json:"mid"`
	CrossRef    *string  `json:"crossrefid,omitempty"`
	Ready       bool     `json:"ready,omitempty"`
	Send        bool     `json:"send,omitempty"`
	MSID        string   `json:"msid,omitempty"`   // with use_msid: the feed that it was subscribed with; switch keeps it
	Source      *source  `json:"source,omitempty"` // of audio and video; never changed in place
	Data        []source `json:"data,omitempty"`
	Codec       string   `json:"codec,omitempty"` // stays when the source goes: only the same codec can come back
	Stereo      bool     `json:"stereo,omitempty"`
	FEC         bool     `json:"fec,omitempty"`
	DTX         bool     `json:"dtx,omitempty"`
	H264Profile string   `json:"h264_profile,omitempty"`
	VP9Profile  string   `json:"vp9_profile,omitempty"`
	Level       bool     `json:"level,omitempty"`
	Orientation bool     `json:"orientation,omitempty"`
	Delay       bool     `json:"delay,omitempty"`
	Targets     layers   `json:"targets"`
	Now         layers   `json:"now"` // what is relayed; -1 for none yet
	FallbackUS  uint32   `json:"fallback,omitempty"`
	MinDelay    *int32   `json:"min_delay,omitempty"`
	MaxDelay    *int32   `json:"max_delay,omitempty"`
}

// source is a stream of a feed.
type source struct {
	Handle     plugin.HandleID `json:"handle"`
	Generation uint32          `json:"generation"`
	Feed       ID              `json:"feed"`
	Mid        string          `json:"mid,omitempty"`
}

// fed tells whether the slot has a source.
func (s *slot) fed() bool { return s.Source != nil || len(s.Data) > 0 }

// active is what Janus calls so: data always is.
func (s *slot) active() bool { return s.Source != nil || s.Type == data }

// layers of a simulcast or SVC stream, each 0 to 2.
type layers struct {
	Substream     int32 `json:"substream"`
	Temporal      int32 `json:"temporal"`
	SpatialLayer  int32 `json:"spatial_layer"`
	TemporalLayer int32 `json:"temporal_layer"`
}

var (
	highest = layers{2, 2, 2, 2}
	unknown = layers{-1, -1, -1, -1}
)

// byAge returns the publishers, oldest first.
func (r *Room) byAge() []*publisher {
	return slices.SortedFunc(maps.Values(r.publishers), func(a, b *publisher) int {
		if a.Joined != b.Joined {
			return cmp.Compare(a.Joined, b.Joined)
		}
		return a.handle.Compare(b.handle)
	})
}

// watchers returns the subscribers, in an order that is always the same.
func (r *Room) watchers() []*subscriber {
	return slices.SortedFunc(maps.Values(r.subscribers), func(a, b *subscriber) int {
		return a.handle.Compare(b.handle)
	})
}

// feed returns who has a feed's id, or nil.
func (r *Room) feed(id ID) *publisher {
	for _, p := range r.publishers {
		if p.ID == id {
			return p
		}
	}
	return nil
}
