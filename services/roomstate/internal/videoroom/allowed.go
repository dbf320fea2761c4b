package videoroom

import (
	"slices"
	"strings"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

type allowedView struct {
	VideoRoom string   `json:"videoroom"`
	Room      ID       `json:"room"`
	Allowed   []string `json:"allowed,omitzero"`
}

// allow changes the list of tokens that publishers join by. Those already in stay.
func (d *draft) allow() (any, *failure) {
	if f := check(d.body,
		must("room", d.cfg.idKind()), may("secret", text), must("action", text), may("allowed", array),
	); f != nil {
		return nil, f
	}
	given, _ := d.body.Text("action")
	action := strings.ToLower(given)
	if !slices.Contains([]string{"enable", "disable", "add", "remove"}, action) {
		return nil, fail(errInvalid, "Unsupported action '%s' (allowed)", given)
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	a := d.settings()
	switch action {
	case "enable":
		a.CheckAllowed = true
	case "disable":
		a.CheckAllowed = false
	default:
		tokens, ok := d.body.Strings("allowed")
		if !ok {
			return nil, fail(errInvalid, "Invalid element in the allowed array (not a string)")
		}
		named := make(map[string]bool, len(tokens))
		for _, t := range tokens {
			named[t] = true
		}
		a.Allowed = slices.DeleteFunc(slices.Clone(a.Allowed), func(t string) bool { return named[t] })
		if action == "add" {
			a.Allowed = append(a.Allowed, tokens...)
			if words := request.TooManyTokens(a.Allowed); words != "" {
				return nil, fail(errUnknown, "%s", words)
			}
		}
	}
	v := allowedView{VideoRoom: "success", Room: d.id}
	if action != "disable" {
		v.Allowed = append([]string{}, a.Allowed...)
	}
	return v, nil
}
