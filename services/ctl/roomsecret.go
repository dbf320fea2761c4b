package ctl

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// roomSecret is what a room may want of who changes it.
type roomSecret struct {
	File         string `name:"room-secret-file" help:"File with the room's secret, if it has one. The secret itself may be in $$CARDEA_ROOM_SECRET." placeholder:"FILE"`
	AdminKeyFile string `name:"admin-key-file" help:"File with the admin key of roomstate (its --admin-key-file), which stands for the secret of any room: for one that is lost." placeholder:"FILE"`
}

// rights are what shows that a room may be changed; empty for none.
type rights struct{ secret, adminKey string }

func (s roomSecret) read() (r rights, err error) {
	r.secret = os.Getenv("CARDEA_ROOM_SECRET")
	if s.File != "" {
		if r.secret, err = secretOf("--room-secret-file", s.File); err != nil {
			return r, err
		}
	}
	if s.AdminKeyFile != "" {
		r.adminKey, err = secretOf("--admin-key-file", s.AdminKeyFile)
	}
	return r, err
}

func secretOf(flag, path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", misused("%s: %w", flag, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// inRoom has a plugin carry out a request about a room, and returns the API's answer.
func (con *console) inRoom(plugin, what string, shown rights, request members) (json.RawMessage, error) {
	request["request"] = what
	if shown.secret != "" {
		request["secret"] = shown.secret
	}
	if shown.adminKey != "" {
		request["admin_key"] = shown.adminKey
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
		hint = "; the room's secret is taken of --room-secret-file, or the admin key, which stands for it, of --admin-key-file"
	}
	return nil, fmt.Errorf("%s: %s (%d)%s", what, printable(got.Response.Text), got.Response.Code, hint)
}
