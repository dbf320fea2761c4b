package settings

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/certs/certstest"
)

type certified struct {
	Cert string `help:"Ours." certificate:"own"`
	CA   string `help:"Theirs." certificate:"authorities"`
	Key  string `help:"To it."`
	Logging
}

func TestCheckRefusesCertificatesThatHaveExpiredAndTheStartDoesNot(t *testing.T) {
	ca := certstest.NewCA(t)
	expired, valid := ca.Issue(t, time.Now().Add(-time.Hour)).Cert, ca.Issue(t, time.Now().Add(time.Hour)).Cert
	ran := false
	p := &Program[certified]{
		Name: "certified", About: "One.", Version: "1", Logging: func(c *certified) *Logging { return &c.Logging },
		Run: func(context.Context, certified, *slog.Logger) error { ran = true; return nil },
	}
	do := func(args ...string) error { return p.Do(args, io.Discard, func(int) { t.Error("exit") }) }
	err := do("config", "check", "--cert", expired, "--ca", ca.File)
	if err == nil || !strings.HasPrefix(err.Error(), "cert: certificate "+expired+" has expired") || strings.Contains(err.Error(), ca.File) {
		t.Errorf("an expired one: %v", err)
	}
	if err := do("config", "check", "--ca", expired); err == nil || !strings.HasPrefix(err.Error(), "ca: ") {
		t.Errorf("an expired authority: %v", err)
	}
	if err := do("config", "check", "--cert", valid, "--ca", ca.File); err != nil {
		t.Errorf("valid ones: %v", err)
	}
	if err := do("--cert", expired); err != nil || !ran {
		t.Errorf("the start: ran %v, %v", ran, err)
	}
}

func TestCertificatesAreThoseOfTheSettings(t *testing.T) {
	got, err := Certificates(&certified{CA: "a", Key: "k"})
	if err != nil || len(got) != 1 || got[0].Setting != "ca" || got[0].Path != "a" || got[0].Kind != "authorities" {
		t.Errorf("%v, %v", got, err)
	}
}
