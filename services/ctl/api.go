package ctl

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// mostAnswer bounds what is read of an answer, in bytes.
const mostAnswer = 256 << 20

// api asks the Admin API over HTTP (spec/janus-api.md, section 7).
type api struct {
	url    string
	secret string
	client *http.Client
}

// members are those of a request beside its name.
type members map[string]any

func newAPI(c *commands) (*api, error) {
	u, err := url.Parse(c.Address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, misused("--address %q is no URL that begins with http:// or https:// and a host", c.Address)
	}
	if u.User != nil {
		return nil, misused("--address must not hold a password: the Admin API asks for the secret of --admin-secret-file")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/admin"
	}
	if c.Timeout <= 0 {
		return nil, misused("--timeout %s must be above 0", c.Timeout)
	}
	a := &api{url: u.String(), secret: os.Getenv("CARDEA_ADMIN_SECRET")}
	if c.AdminSecretFile != "" {
		b, err := os.ReadFile(c.AdminSecretFile)
		if err != nil {
			return nil, misused("--admin-secret-file: %w", err)
		}
		a.secret = strings.TrimSpace(string(b))
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, misused("--ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, misused("--ca %s has no certificate", c.CA)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	a.client = &http.Client{
		Transport: transport, Timeout: c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the secret stays here
	}
	return a, nil
}

// ask returns the members of a success but for janus and transaction.
func (a *api) ask(ctx context.Context, request string, with members) (json.RawMessage, error) {
	message := members{"janus": request, "transaction": rand.Text()}
	if a.secret != "" {
		message["admin_secret"] = a.secret
	}
	for name, value := range with {
		message[name] = value
	}
	body, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", request, err)
	}
	answer, err := a.post(ctx, body)
	if err != nil {
		if ctx.Err() != nil {
			return nil, errInterrupted
		}
		return nil, unreachableError{fmt.Errorf("no answer from the Admin API: %w", err)}
	}
	return read(request, answer)
}

func (a *api) post(ctx context.Context, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s says %s", a.url, resp.Status)
	}
	return answer, nil
}

// read takes an answer apart.
func read(request string, answer []byte) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	var head struct {
		Janus string `json:"janus"`
		Error struct {
			Code   int    `json:"code"`
			Reason string `json:"reason"`
		} `json:"error"`
	}
	err := errors.Join(json.Unmarshal(answer, &all), json.Unmarshal(answer, &head))
	switch {
	case err != nil || head.Janus == "":
		return nil, unreachableError{errors.New("what answers does not speak the Admin API")}
	case head.Janus == "error":
		return nil, fmt.Errorf("%s: %s (%d)", request, printable(head.Error.Reason), head.Error.Code)
	}
	delete(all, "janus")
	delete(all, "transaction")
	b, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("answer to %s: %w", request, err)
	}
	return b, nil
}

// get is ask into a value.
func (a *api) get(ctx context.Context, into any, request string, with members) error {
	b, err := a.ask(ctx, request, with)
	if err != nil {
		return err
	}
	return decode(b, into, request)
}

// decode reads what the API told. What cannot be read is of another version, or of no Cardea.
func decode(b []byte, into any, request string) error {
	if err := json.Unmarshal(b, into); err != nil {
		return unreachableError{fmt.Errorf("answer to %s is not understood: %w", request, err)}
	}
	return nil
}
