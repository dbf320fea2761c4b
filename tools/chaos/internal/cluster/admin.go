package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Admin asks the Admin API, at whichever edge answers.
type Admin struct {
	urls   []string
	client *http.Client
}

func newAdmin() *Admin {
	a := &Admin{client: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	for i := range 2 {
		a.urls = append(a.urls, fmt.Sprintf("http://%s:7088/admin", Address(fmt.Sprint("edge-", i))))
	}
	return a
}

// Ask sends a request with members, and reads the answer into a value.
func (a *Admin) Ask(ctx context.Context, request string, members map[string]any, into any) error {
	message := map[string]any{"janus": request, "transaction": "chaos", "admin_secret": secret}
	for name, value := range members {
		message[name] = value
	}
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	var all []error
	for _, url := range a.urls {
		err := a.post(ctx, url, body, into)
		if err == nil {
			return nil
		}
		all = append(all, fmt.Errorf("%s: %w", request, err))
	}
	return errors.Join(all...)
}

func (a *Admin) post(ctx context.Context, url string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var all json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		return err
	}
	var head struct {
		Janus string
		Error struct{ Reason string }
	}
	if err := json.Unmarshal(all, &head); err != nil {
		return err
	}
	if head.Janus != "success" {
		return fmt.Errorf("%s: %s", head.Janus, head.Error.Reason)
	}
	return json.Unmarshal(all, into)
}

// Node is one of list_nodes.
type Node struct {
	Name     string `json:"name"`
	Takes    bool   `json:"takes_work"`
	Draining bool   `json:"draining"`
	Peers    int    `json:"peers"`
	Drain    *struct {
		Left int  `json:"left"`
		Over bool `json:"over"`
	} `json:"drain"`
}

// Nodes are those that are heard.
func (a *Admin) Nodes(ctx context.Context) ([]Node, error) {
	var got struct{ Nodes []Node }
	err := a.Ask(ctx, "list_nodes", nil, &got)
	return got.Nodes, err
}

// Move has a handle's peer go on with a node.
func (a *Admin) Move(ctx context.Context, session, handle uint64, node string) error {
	return a.Ask(ctx, "move_handle", map[string]any{"session_id": session, "handle_id": handle, "node": node}, &struct{}{})
}
