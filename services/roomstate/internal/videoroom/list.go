package videoroom

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// listedView is a room in the list, and its entry in the index of rooms.
type listedView struct {
	Room            ID      `json:"room"`
	Description     string  `json:"description"`
	PinRequired     bool    `json:"pin_required"`
	Private         bool    `json:"is_private"`
	MaxPublishers   int64   `json:"max_publishers"`
	Bitrate         uint32  `json:"bitrate"`
	BitrateCap      bool    `json:"bitrate_cap,omitempty"`
	FirFreq         uint32  `json:"fir_freq"`
	RequirePvtID    bool    `json:"require_pvtid"`
	RequireE2EE     bool    `json:"require_e2ee"`
	DummyPublisher  bool    `json:"dummy_publisher"`
	NotifyJoining   bool    `json:"notify_joining"`
	AudioCodec      string  `json:"audiocodec"`
	VideoCodec      string  `json:"videocodec"`
	OpusFEC         bool    `json:"opus_fec,omitempty"`
	OpusDTX         bool    `json:"opus_dtx,omitempty"`
	OpusRED         bool    `json:"opus_red,omitempty"` // Cardea's own
	Record          bool    `json:"record"`
	RecDir          string  `json:"rec_dir,omitempty"`
	LockRecord      bool    `json:"lock_record"`
	NumParticipants int     `json:"num_participants"`
	AudioLoudest    uint32  `json:"audio_loudest,omitempty"` // likewise
	AudioLevel      bool    `json:"audiolevel_ext"`
	AudioLevelEvent bool    `json:"audiolevel_event"`
	ActivePackets   *uint32 `json:"audio_active_packets,omitempty"`
	LevelAverage    *uint32 `json:"audio_level_average,omitempty"`
	Orientation     bool    `json:"videoorient_ext"`
	PlayoutDelay    bool    `json:"playoutdelay_ext"`
	TransportCC     bool    `json:"transport_wide_cc_ext"`
}

func (d *draft) listed() listedView {
	a := d.attributes
	v := listedView{
		Room: d.id, Description: a.Description, PinRequired: a.HasPin, Private: a.Private,
		MaxPublishers: a.Publishers, Bitrate: a.Bitrate, BitrateCap: a.BitrateCap, FirFreq: a.KeyframeEvery,
		RequirePvtID: a.RequirePrivateID, RequireE2EE: a.RequireE2EE, DummyPublisher: a.DummyPublisher, NotifyJoining: a.NotifyJoining,
		AudioCodec: strings.Join(a.AudioCodecs, ","), VideoCodec: strings.Join(a.VideoCodecs, ","),
		OpusFEC: a.OpusFEC, OpusDTX: a.OpusDTX, OpusRED: a.OpusRED, AudioLoudest: a.AudioLoudest, Record: a.Record, RecDir: a.RecordDir, LockRecord: a.LockRecord,
		NumParticipants: len(d.publishers), AudioLevel: a.AudioLevel, AudioLevelEvent: a.AudioLevelEvent,
		Orientation: a.Orientation, PlayoutDelay: a.PlayoutDelay, TransportCC: a.TransportCC,
	}
	if a.AudioLevelEvent {
		v.ActivePackets, v.LevelAverage = &a.AudioActivePackets, &a.AudioLevelAverage
	}
	return v
}

type listView struct {
	VideoRoom string            `json:"videoroom"`
	List      []json.RawMessage `json:"list"`
	LeftOut   int               `json:"left_out,omitempty"` // how many rooms there was no room for
}

// maxList is how many bytes the rooms of an answer may have: it has to fit into a message of the bus.
const maxList = 900 << 10

// list shows the public rooms, and with the admin key the private ones as well.
func (d *draft) list() (any, *failure) {
	all, f := d.seesPrivate()
	if f != nil {
		return nil, f
	}
	answer, ok := d.Ask(plugin.Question{Rooms: true})
	if !ok {
		return nil, nil
	}
	if answer.Err != nil {
		d.Failure = answer.Err
		return nil, nil
	}
	view := listView{VideoRoom: "success", List: []json.RawMessage{}}
	for _, entry := range answer.Rooms {
		var room struct {
			Room    ID   `json:"room"`
			Private bool `json:"is_private"`
		}
		if err := json.Unmarshal(entry, &room); err != nil || room.Private && !all || !d.mayName(room.Room.String()) {
			continue
		}
		view.List = append(view.List, entry)
	}
	slices.SortFunc(view.List, func(a, b json.RawMessage) int { return bytes.Compare(a, b) })
	size := 0
	for i, entry := range view.List {
		if size += len(entry) + 1; size > maxList {
			view.LeftOut, view.List = len(view.List)-i, view.List[:i]
			break
		}
	}
	return view, nil
}

// seesPrivate tells whether the right admin key was given. One that is empty, no string, or not asked for counts for
// nothing; a wrong one is refused.
func (d *draft) seesPrivate() (bool, *failure) {
	key, _ := d.body.Text("admin_key")
	if key == "" || d.cfg.AdminKey == nil {
		return false, nil
	}
	if !equal(key, d.cfg.AdminKey.Text()) {
		return false, fail(errUnauthorized, "Unauthorized (wrong admin_key)")
	}
	return true, nil
}
