package forward

import "testing"

func TestEveryDropHasANameOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for why := range drops {
		if name := why.String(); name == "" || seen[name] {
			t.Errorf("%d is called %q", why, name)
		}
		seen[why.String()] = true
	}
}
