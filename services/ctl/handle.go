package ctl

import (
	"fmt"
	"strconv"
	"strings"
)

// find reads SESSION/HANDLE, or looks in all sessions for a HANDLE.
func (con *console) find(text string) (members, error) {
	first, second, whole := strings.Cut(text, "/")
	one, err := strconv.ParseUint(first, 10, 64)
	two := uint64(0)
	if err == nil && whole {
		two, err = strconv.ParseUint(second, 10, 64)
	}
	if err != nil || one == 0 || whole && two == 0 {
		return nil, misused("HANDLE %q is neither SESSION/HANDLE nor HANDLE, of numbers as `cardea-ctl sessions` shows them", text)
	}
	if whole {
		return members{"session_id": one, "handle_id": two}, nil
	}
	var got struct{ Sessions []session }
	if err := con.api.get(con.ctx, &got, "list_sessions", members{"details": true}); err != nil {
		return nil, err
	}
	var found []members
	for i := range got.Sessions {
		for _, h := range got.Sessions[i].Handles {
			if h.Handle == one {
				found = append(found, members{"session_id": got.Sessions[i].Session, "handle_id": one})
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, fmt.Errorf("no session has a handle %d", one)
	}
	return nil, fmt.Errorf("%d sessions have a handle %d: say SESSION/HANDLE", len(found), one)
}
