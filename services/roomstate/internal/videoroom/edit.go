package videoroom

var editTable = []field{
	may("new_description", text), may("new_is_private", boolean), may("new_secret", text), may("new_pin", text),
	may("new_require_pvtid", boolean), may("new_bitrate", positive), may("new_fir_freq", positive),
	may("new_publishers", positive), may("new_lock_record", boolean), may("new_rec_dir", text), may("permanent", boolean),
}

// edit changes a room's settings, for who comes from now on. An empty string changes nothing.
func (d *draft) edit() (any, *failure) {
	if f := check(d.body, append([]field{must("room", d.cfg.idKind())}, editTable...)...); f != nil {
		return nil, f
	}
	if f := d.short("new_description", "new_rec_dir", "new_secret", "new_pin"); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	a, b := d.settings(), d.body
	if s, _ := b.Text("new_description"); s != "" {
		a.Description = s
	}
	if s, _ := b.Text("new_secret"); s != "" {
		a.Secret, a.HasSecret = s, true
	}
	if s, _ := b.Text("new_pin"); s != "" {
		a.Pin, a.HasPin = s, true
	}
	if s, _ := b.Text("new_rec_dir"); s != "" {
		a.RecordDir = s
	}
	a.Private = b.BoolOr("new_is_private", a.Private)
	a.RequirePrivateID = b.BoolOr("new_require_pvtid", a.RequirePrivateID)
	a.LockRecord = b.BoolOr("new_lock_record", a.LockRecord)
	a.Bitrate = raised(b.Uint32Or("new_bitrate", a.Bitrate))
	a.KeyframeEvery = b.Uint32Or("new_fir_freq", a.KeyframeEvery)
	if n, ok := b.Int("new_publishers"); ok {
		a.Publishers = n
	}
	d.notice(notice{Event: "edited"})
	return d.roomView("edited"), nil
}
