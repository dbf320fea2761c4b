package videoroom

// DemoRoom returns the request that makes the room of Janus's demo pages, and the name of that room. Who has the secret
// may change and destroy it. Its bitrate is
// 1.5 Mbit/s, not the 128 kbit/s of Janus's sample configuration, so that a demo looks like what to expect.
func (p *Plugin) DemoRoom(secret string) (body []byte, room string) {
	id := ID("1234")
	if p.cfg.StringIDs {
		id = stringID("1234")
	}
	return render(map[string]any{
		"request": "create", "room": id, "description": "Demo Room",
		"secret": secret, "publishers": 6, "bitrate": 1_500_000, "fir_freq": 10, "record": false,
	}), roomName(id)
}
