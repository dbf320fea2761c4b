package videoroom

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

// StaticRoom returns the request that makes a room of a file, and the name of that room. settings have the names, types
// and meanings of create's; what create would refuse, or pass over, is an error here.
func (p *Plugin) StaticRoom(settings map[string]any) (body []byte, room string, err error) {
	known := map[string]bool{"room": true}
	for _, f := range createTable {
		known[f.Name] = true
	}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		if !known[key] {
			return nil, "", fmt.Errorf("unknown key %q", key)
		}
	}
	asked := maps.Clone(settings)
	asked["request"] = "create"
	body, err = json.Marshal(asked)
	if err != nil {
		return nil, "", err
	}
	o, _ := request.Read(body) // an object, as it was just written
	id, ok := o.ID("room", p.cfg.StringIDs)
	if !ok || id == "0" || id == `""` {
		return nil, "", fmt.Errorf("room should be %s", p.cfg.idKind())
	}
	d := &draft{Turn: &plugin.Turn{}, Room: &Room{cfg: &p.cfg, name: roomName(id), id: id}, body: o}
	if o.BoolOr("signed_tokens", false) && p.cfg.TokenSecret == nil {
		return nil, "", errors.New("signed_tokens needs a token secret (token-secret-file)")
	}
	f := check(o, createTable...)
	if f == nil {
		_, f = d.newAttributes()
	}
	if f != nil {
		return nil, "", errors.New(f.Text)
	}
	return body, roomName(id), nil
}
