package edge

import (
	"context"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
)

// mostPages bounds what one request may gather.
const mostPages = 1000

// pages returns what the cluster answers to a request. A list that is too long for a message of the bus comes in several:
// each but the last says after what the next begins.
func (a *Admin) pages(ctx context.Context, req *janus.AdminRequest, cmd *busv1.Command) (map[string]any, error) {
	var all any
	for range mostPages {
		// Not an id of this edge's: if it holds the session, it is to hear of its end as any other does.
		cmd.Id = bus.NewCommandID()
		reply, err := a.Edge.bus.Do(ctx, cmd, nil)
		if err != nil {
			return nil, err
		}
		members, err := a.members(req, reply)
		if err != nil {
			return nil, err
		}
		after, more := members["next"]
		if !more && all == nil {
			return members, nil
		}
		delete(members, "next")
		all = joined(all, members)
		if !more {
			whole, _ := all.(map[string]any)
			return whole, nil
		}
		parameters, err := continued(cmd.GetAdmin().GetParameters(), after)
		if err != nil {
			return nil, err
		}
		cmd = proto.CloneOf(cmd)
		cmd.GetAdmin().Parameters = parameters
	}
	return nil, fmt.Errorf("answer to %s has more than %d pages", req.Name, mostPages)
}

// continued are parameters of the page after another.
func continued(parameters []byte, after any) ([]byte, error) {
	all := map[string]json.RawMessage{}
	err := json.Unmarshal(parameters, &all)
	if err == nil {
		all["after"], err = json.Marshal(after)
	}
	if err == nil {
		parameters, err = json.Marshal(all)
	}
	if err != nil {
		return nil, fmt.Errorf("encode parameters: %w", err)
	}
	return parameters, nil
}

// joined puts the lists of two pages together; of what is no list the latter stays.
func joined(a, b any) any {
	switch b := b.(type) {
	case []any:
		list, _ := a.([]any)
		return append(list, b...)
	case map[string]any:
		object, _ := a.(map[string]any)
		if object == nil {
			return b
		}
		for name, value := range b {
			object[name] = joined(object[name], value)
		}
		return object
	}
	return b
}
