package sdp

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// readSources reads a=ssrc and a=ssrc-group (RFC 5576).
func (s *Section) readSources(m *sdp.MediaDescription) error {
	var all, layers []uint32
	repairs := map[uint32]bool{}
	for _, a := range m.Attributes {
		switch a.Key {
		case "ssrc":
			id, _, _ := strings.Cut(a.Value, " ")
			ssrc, err := strconv.ParseUint(id, 10, 32)
			if err != nil || ssrc == 0 {
				return invalid("ssrc %q", id)
			}
			if !slices.Contains(all, uint32(ssrc)) {
				all = append(all, uint32(ssrc))
			}
			if len(all) > maxSSRCs {
				return invalid("more than %d SSRCs in m= section %s", maxSSRCs, s.MID)
			}
		case "ssrc-group":
			group, err := readGroup(a.Value)
			if err != nil {
				return err
			}
			switch {
			case strings.HasPrefix(a.Value, "FID ") && len(group) == 2:
				s.Repair[group[0]] = group[1]
				repairs[group[1]] = true
			case strings.HasPrefix(a.Value, "SIM ") && len(group) <= maxLayers:
				layers = group
			}
		}
	}
	if len(layers) > 1 {
		s.SSRCs, s.Simulcast = layers, true
		return nil
	}
	for _, ssrc := range all {
		if !repairs[ssrc] {
			s.SSRCs = append(s.SSRCs, ssrc)
		}
	}
	return nil
}

func readGroup(value string) ([]uint32, error) {
	fields := strings.Fields(value)
	if len(fields) > maxSSRCs {
		return nil, invalid("ssrc-group of %d", len(fields))
	}
	var group []uint32
	for _, f := range fields[min(1, len(fields)):] {
		ssrc, err := strconv.ParseUint(f, 10, 32)
		if err != nil {
			return nil, invalid("ssrc-group %q", value)
		}
		group = append(group, uint32(ssrc))
	}
	return group, nil
}

// readRIDs reads a=rid (RFC 8851) and a=simulcast (RFC 8853), which gives the order: what is beyond maxLayers is not taken, as at
// Janus. Of alternatives for a layer the first is taken; "~", which means paused at first, is no difference to us.
func (s *Section) readRIDs(m *sdp.MediaDescription) error {
	sent := map[string]bool{}
	for _, a := range m.Attributes {
		if a.Key != "rid" {
			continue
		}
		fields := strings.Fields(a.Value)
		if len(fields) < 2 || fields[1] != "send" {
			continue
		}
		if !ridPattern.MatchString(fields[0]) {
			return invalid("rid %q", fields[0])
		}
		sent[fields[0]] = true
	}
	list, _ := m.Attribute("simulcast")
	fields := strings.Fields(list)
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] != "send" {
			continue
		}
		layers := strings.TrimPrefix(fields[i+1], "rid=")
		for layer := range strings.SplitSeq(layers, ";") {
			rid, _, _ := strings.Cut(layer, ",")
			rid = strings.TrimPrefix(rid, "~")
			if len(s.RIDs) < maxLayers && sent[rid] && !slices.Contains(s.RIDs, rid) {
				s.RIDs = append(s.RIDs, rid)
			}
		}
	}
	if len(s.RIDs) > 0 {
		s.Simulcast = true
	}
	return nil
}
