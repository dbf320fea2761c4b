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

// byOperator tells whether the request comes by the Admin API with the admin key, which stands for a room's secret there: whoever
// runs the servers can end a room whose secret is lost. Janus has no such way.
func (d *draft) byOperator() bool {
	key, _ := d.body.Text("admin_key")
	return d.Command.Over && key != "" && d.cfg.AdminKey != nil && equal(key, d.cfg.AdminKey.Text())
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
