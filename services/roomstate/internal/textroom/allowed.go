package textroom

import (
	"slices"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

var allowedTable = []request.Field{
	request.May("secret", request.Text), request.Must("action", request.Text), request.May("allowed", request.Array),
}

func set(tokens []string) map[string]bool {
	all := make(map[string]bool, len(tokens))
	for _, t := range tokens {
		all[t] = true
	}
	return all
}

// allow changes which tokens may join, or whether any is asked for.
func (d *draft) allow() (members, *failure) {
	if f := check(d.body, allowedTable...); f != nil {
		return nil, f
	}
	action, _ := d.body.Text("action")
	if !slices.Contains([]string{"enable", "disable", "add", "remove"}, action) {
		return nil, fail(errInvalid, "Unsupported action '%s' (allowed)", action)
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	tokens, ok := d.body.Strings("allowed")
	if !ok {
		return nil, fail(errInvalid, "Invalid element in the allowed array (not a string)")
	}
	a := *d.attributes
	a.Allowed = slices.Clone(a.Allowed)
	switch action {
	case "enable":
		a.CheckAllowed = true
	case "disable":
		a.CheckAllowed = false
	case "add":
		there := set(a.Allowed)
		for _, token := range tokens {
			if !there[token] {
				there[token] = true
				a.Allowed = append(a.Allowed, token)
			}
		}
		if words := request.TooManyTokens(a.Allowed); words != "" {
			return nil, fail(errUnknown, "%s", words)
		}
	case "remove":
		named := set(tokens)
		a.Allowed = slices.DeleteFunc(a.Allowed, func(token string) bool { return named[token] })
	}
	d.setAttributes(&a)
	answer := members{"textroom": "success", "room": d.id}
	if action != "disable" {
		answer["allowed"] = append([]string{}, a.Allowed...)
	}
	return answer, nil
}
