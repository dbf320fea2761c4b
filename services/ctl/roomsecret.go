package ctl

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// roomSecret is what a room may want of who changes it.
type roomSecret struct {
	File string `name:"room-secret-file" help:"File with the room's secret, if it has one. The secret itself may be in $$CARDEA_ROOM_SECRET." placeholder:"FILE"`
}

// read returns it, empty for none.
func (s roomSecret) read() (string, error) {
	if s.File == "" {
		return os.Getenv("CARDEA_ROOM_SECRET"), nil
	}
	b, err := os.ReadFile(s.File)
	if err != nil {
		return "", misused("--room-secret-file: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// inRoom has a plugin carry out a request about a room, and returns the API's answer.
func (con *console) inRoom(plugin, what, secret string, request members) (json.RawMessage, error) {
	request["request"] = what
	if secret != "" {
		request["secret"] = secret
	}
	answer, err := con.api.ask(con.ctx, "message_plugin", members{"plugin": "janus.plugin." + plugin, "request": request})
	var got struct {
		Response struct {
			Code int    `json:"error_code"`
			Text string `json:"error"`
		} `json:"response"`
	}
	if err == nil {
		err = decode(answer, &got, what)
	}
	if err != nil {
		return nil, err
	}
	if got.Response.Code == 0 {
		return answer, nil
	}
	hint := ""
	if strings.Contains(got.Response.Text, "secret)") { // of a missing one, or of a wrong one
		hint = "; the room's secret is taken of --room-secret-file"
	}
	return nil, fmt.Errorf("%s: %s (%d)%s", what, printable(got.Response.Text), got.Response.Code, hint)
}
