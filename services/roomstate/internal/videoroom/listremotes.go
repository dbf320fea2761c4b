package videoroom

type remotesView struct {
	VideoRoom string       `json:"videoroom"`
	Room      ID           `json:"room"`
	ID        ID           `json:"id"`
	List      []remoteView `json:"list"`
}

type remoteView struct {
	RemoteID string `json:"remote_id"`
	Host     string `json:"host"`
	Port     uint32 `json:"port"`
	RTCPPort uint32 `json:"rtcp_port,omitempty"`
}

// listRemotes lists the servers that get a publisher.
func (d *draft) listRemotes() (any, *failure) {
	if f := check(d.body, must("room", d.cfg.idKind()), must("publisher_id", d.cfg.idKind())); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	p, f := d.namedFeed("publisher")
	if f != nil {
		return nil, f
	}
	v := remotesView{"success", d.id, p.ID, []remoteView{}}
	for i := range p.Remotizations {
		r := &p.Remotizations[i]
		v.List = append(v.List, remoteView{r.ID, r.Host, r.Port, r.RTCPPort})
	}
	return v, nil
}
