package textroom

import "github.com/cardea-rtc/cardea/services/roomstate/internal/request"

// RefuseAdministrator is of plugin.RefusesAdministrators.
func (*Plugin) RefuseAdministrator(body []byte) []byte {
	o, _ := request.Read(body)
	name, _ := o.Text("request")
	f := fail(errRequest, "Unknown request '%s'", name)
	f.TextRoom = "event"
	return render(f)
}
