package ctl

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

type statsCommand struct {
	Handle string `arg:"" help:"SESSION/HANDLE, as sessions and room show it, or HANDLE."`
	watching
}

// info is what handle_info tells of a handle and its PeerConnection, as far as it is shown.
type info struct {
	Plugin  string  `json:"plugin"`
	Now     int64   `json:"current_time"` // µs since 1970
	Unknown string  `json:"webrtc-unknown"`
	WebRTC  *webRTC `json:"webrtc"`
}

type webRTC struct {
	ICE struct {
		State    string `json:"state"`
		Selected string `json:"selected-pair"`
	} `json:"ice"`
	DTLS struct {
		State     string `json:"dtls-state"`
		Connected int64  `json:"connected"` // µs since 1970
	} `json:"dtls"`
	Media map[string]section `json:"media"`
}

// section is an m= section.
type section struct {
	Index  int    `json:"mindex"`
	Mid    string `json:"mid"`
	Type   string `json:"type"`
	Codecs struct {
		Codec string `json:"codec"`
	} `json:"codecs"`
	Direction struct{ Send, Recv bool } `json:"direction"`
	RTCP      map[string]struct {
		RTT          int64 `json:"rtt"` // ms
		Lost         int64 `json:"lost"`
		LostByRemote int64 `json:"lost-by-remote"`
		JitterLocal  int64 `json:"jitter-local"`  // ms
		JitterRemote int64 `json:"jitter-remote"` // ms
		InQuality    int64 `json:"in-link-quality"`
		OutQuality   int64 `json:"out-link-quality"`
	} `json:"rtcp"`
	Stats struct {
		In  inboundStats `json:"in"`
		Out counts       `json:"out"`
	} `json:"stats"`
}

type counts struct {
	Packets    uint64 `json:"packets"`
	LastSecond uint64 `json:"bytes_lastsec"`
	NACKs      uint64 `json:"nacks"`
	Again      uint64 `json:"retransmissions"`
}

type inboundStats struct {
	counts
	Second *counts `json:"video-simulcast-1"`
	Third  *counts `json:"video-simulcast-2"`
}

// Run is of kong.
func (c *statsCommand) Run(con *console) error {
	with, err := con.find(c.Handle)
	if err != nil {
		return err
	}
	return c.show(con, func() (json.RawMessage, error) {
		var got struct {
			Info json.RawMessage `json:"info"`
		}
		err := con.api.get(con.ctx, &got, "handle_info", with)
		return got.Info, err
	}, statsTable)
}

func statsTable(out io.Writer, b json.RawMessage) error {
	var i info
	if err := decode(b, &i, "handle_info"); err != nil {
		return err
	}
	if i.WebRTC == nil {
		why := "no PeerConnection"
		if i.Unknown != "" {
			why = "PeerConnection not known: " + i.Unknown
		}
		_, err := fmt.Fprintf(out, "%s: %s\n", printable(pluginName(i.Plugin)), printable(why))
		return err
	}
	since := ""
	if at := i.WebRTC.DTLS.Connected; at > 0 {
		since = " for " + (time.Duration(i.Now-at) * time.Microsecond).Round(time.Second).String()
	}
	if _, err := fmt.Fprintln(out, printable(fmt.Sprintf("%s, ICE %s, DTLS %s%s, %s", pluginName(i.Plugin), i.WebRTC.ICE.State,
		i.WebRTC.DTLS.State, since, cmp.Or(i.WebRTC.ICE.Selected, "no address yet")))); err != nil {
		return err
	}
	t := newTable(out, "MID", "KIND", "CODEC", "WAY", "LAYER", "KBIT/S", "PACKETS", "LOST", "NACKS", "SENT AGAIN", "JITTER", "RTT", "QUALITY")
	sections := slices.SortedFunc(maps.Values(i.WebRTC.Media), func(a, b section) int { return cmp.Compare(a.Index, b.Index) })
	for i := range sections {
		sections[i].rows(t)
	}
	return t.flush()
}

// rows are those of a section: one for each layer that comes, one for what goes.
func (s *section) rows(t *table) {
	if s.Direction.Recv {
		for _, layer := range []struct {
			name string
			at   *counts
		}{{"main", &s.Stats.In.counts}, {"sim1", s.Stats.In.Second}, {"sim2", s.Stats.In.Third}} {
			if layer.at == nil {
				continue
			}
			r := s.RTCP[layer.name]
			t.row(s.Mid, s.Type, s.Codecs.Codec, "in", strings.TrimPrefix(layer.name, "sim"), kilobits(layer.at), layer.at.Packets, r.Lost,
				layer.at.NACKs, layer.at.Again, fmt.Sprintf("%d ms", r.JitterLocal), "", fmt.Sprintf("%d%%", r.InQuality))
		}
	}
	if s.Direction.Send {
		o, r := &s.Stats.Out, s.RTCP["main"]
		t.row(s.Mid, s.Type, s.Codecs.Codec, "out", "", kilobits(o), o.Packets, r.LostByRemote, o.NACKs, o.Again,
			fmt.Sprintf("%d ms", r.JitterRemote), fmt.Sprintf("%d ms", r.RTT), fmt.Sprintf("%d%%", r.OutQuality))
	}
	if !s.Direction.Recv && !s.Direction.Send {
		t.row(s.Mid, s.Type, s.Codecs.Codec)
	}
}

// kilobits is what came or went in the last second.
func kilobits(c *counts) uint64 { return c.LastSecond * 8 / 1000 }
