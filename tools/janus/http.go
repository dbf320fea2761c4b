package janus

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// httpLink is a link of POSTs, and of a long poll for each session that was created.
type httpLink struct {
	url     string
	ctx     context.Context // ends with close
	end     context.CancelFunc
	inbound chan []byte
	wg      sync.WaitGroup
}

func dialHTTP(url string) *httpLink {
	l := &httpLink{url: url, inbound: make(chan []byte, 64)}
	l.ctx, l.end = context.WithCancel(context.Background())
	return l
}

func (l *httpLink) read() ([]byte, error) {
	select {
	case b := <-l.inbound:
		return b, nil
	case <-l.ctx.Done():
		return nil, l.ctx.Err()
	}
}

func (l *httpLink) close() error {
	l.end()
	l.wg.Wait()
	return nil
}

func (l *httpLink) put(b []byte) {
	select {
	case l.inbound <- b:
	case <-l.ctx.Done():
	}
}

func (l *httpLink) do(method, url string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(l.ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	return b, err
}

func (l *httpLink) write(text []byte) error {
	b, err := l.do(http.MethodPost, l.url, text)
	if err != nil {
		return err
	}
	l.put(b)
	var request, answer Message
	if json.Unmarshal(text, &request) != nil || json.Unmarshal(b, &answer) != nil || answer.Janus != "success" {
		return nil
	}
	switch request.Janus {
	case "create":
		l.wg.Go(func() { l.poll(answer.Data.ID) })
	case "claim": // a poll under way may end with it
		l.wg.Go(func() { l.poll(request.SessionID) })
	}
	return nil
}

// poll has the events of a session read until it is gone.
func (l *httpLink) poll(session uint64) {
	for {
		b, err := l.do(http.MethodGet, fmt.Sprintf("%s/%d?maxev=5", l.url, session), nil)
		if err != nil {
			return
		}
		var events []json.RawMessage
		if err := json.Unmarshal(b, &events); err != nil {
			return
		}
		for _, event := range events {
			if string(event) != `{"janus":"keepalive"}` {
				l.put(event)
			}
		}
	}
}
