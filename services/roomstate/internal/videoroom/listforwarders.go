package videoroom

import "encoding/json"

// forwardersView lists who is forwarded.
type forwardersView struct {
	VideoRoom  string              `json:"videoroom"`
	Room       ID                  `json:"room"`
	Publishers []forwardedFeedView `json:"publishers"`
}

type forwardedFeedView struct {
	PublisherID ID              `json:"publisher_id"`
	Display     *string         `json:"display,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	Forwarders  []forwarderView `json:"forwarders"`
}

func (d *draft) listForwarders() (any, *failure) {
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	v := forwardersView{"forwarders", d.id, []forwardedFeedView{}}
	for _, p := range d.byAge() {
		if len(p.Forwards) == 0 {
			continue
		}
		of := forwardedFeedView{PublisherID: p.ID, Display: p.Display, Metadata: p.Metadata}
		for i := range p.Forwards {
			of.Forwarders = append(of.Forwarders, p.Forwards[i].view())
		}
		v.Publishers = append(v.Publishers, of)
	}
	return v, nil
}
