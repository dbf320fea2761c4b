package textroom

// DemoRoom returns the request that makes the room of Janus's demo page, and the name of that room. Who has the secret may
// change and destroy it.
func (*Plugin) DemoRoom(secret string) (body []byte, room string) {
	return render(members{"request": "create", "room": 1234, "description": "Demo Room", "secret": secret}), roomName(1234)
}
