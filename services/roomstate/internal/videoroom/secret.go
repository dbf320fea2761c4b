package videoroom

import "crypto/subtle"

// secretFits compares a field with what is configured, in constant time.
func (d *draft) secretFits(name string, configured bool, want string) *failure {
	if !configured {
		return nil
	}
	if f := check(d.body, must(name, text)); f != nil {
		return f
	}
	if got, _ := d.body.Text(name); !equal(got, want) {
		return fail(errUnauthorized, "Unauthorized (wrong %s)", name)
	}
	return nil
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
