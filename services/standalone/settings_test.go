package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/certs"
	"github.com/cardea-rtc/cardea/proto/certs/certstest"
	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/services/media"
	"github.com/cardea-rtc/cardea/services/roomstate"
	"github.com/cardea-rtc/cardea/services/signaling"
)

// defaults is what is in force if nothing is set.
func defaults(t *testing.T) config {
	t.Helper()
	var cfg config
	if err := settings.Defaults(&cfg); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// apart are the settings of services that standalone does without, each with its reason. One that ends in an asterisk stands for
// all that begin so.
var apart = map[string]string{
	"nats-*":        "NATS is inside",
	"redis-*":       "the store is inside",
	"grpc-*":        "nobody else asks the node",
	"name":          "there is one of each, named by the host",
	"relay-address": "there is no other node",
	"max-relays":    "there is no other node",
	"drain-timeout": "there is no other node",
	"keep-peers":    "there is no other node",
}

// otherwise are the settings whose default is another, each with its reason.
var otherwise = map[string]string{
	"demo-room": "it is for a first look",
}

func reason(reasons map[string]string, name string) bool {
	for pattern := range reasons {
		begin, more := strings.CutSuffix(pattern, "*")
		if pattern == name || more && strings.HasPrefix(name, begin) {
			return true
		}
	}
	return false
}

func TestStandaloneTakesEverySettingOfTheServices(t *testing.T) {
	own, err := settings.Names(new(config))
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for service, target := range map[string]any{"roomstate": new(roomstate.Config), "media": new(media.Config), "signaling": new(signaling.Config)} {
		theirs, err := settings.Names(target)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range slices.Sorted(maps.Keys(theirs)) {
			value, has := own[name]
			switch {
			case reason(apart, name):
				if has {
					t.Errorf("%s of %s is taken, and listed as not", name, service)
				}
				used[name] = true
			case !has:
				t.Errorf("%s of %s is not taken: add it to config, or to those apart with a reason", name, service)
			case value != theirs[name] && otherwise[name] == "" && name != "ops-listen":
				t.Errorf("%s is %q by default, and %q in %s", name, value, theirs[name], service)
			}
		}
	}
	for pattern := range apart {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(used)), func(name string) bool { return reason(map[string]string{pattern: ""}, name) }) {
			t.Errorf("no service has %s, which is listed as apart", pattern)
		}
	}
}

// TestEverySettingWithCertificatesSaysSo: config check and the metrics go by it.
func TestEverySettingWithCertificatesSaysSo(t *testing.T) {
	f := certstest.NewCA(t).Issue(t, time.Now().Add(time.Hour), "localhost")
	for service, target := range map[string]any{"roomstate": new(roomstate.Config), "media": new(media.Config), "signaling": new(signaling.Config), "standalone": new(config)} {
		names, err := settings.Names(target)
		if err != nil {
			t.Fatal(err)
		}
		var args []string
		want := map[string]string{}
		for name := range names {
			switch {
			case strings.HasSuffix(name, "tls-cert"):
				args, want[name] = append(args, "--"+name, f.Cert), certs.Own
			case strings.HasSuffix(name, "-ca"):
				args, want[name] = append(args, "--"+name, f.CA), certs.Authorities
			case strings.HasSuffix(name, "tls-key"):
				args = append(args, "--"+name, f.Key)
			}
		}
		if err := settings.Parse(target, service, "", "", args); err != nil {
			t.Fatal(err)
		}
		files, err := settings.Certificates(target)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, file := range files {
			got[file.Setting] = file.Kind
		}
		if !maps.Equal(got, want) || len(got) < 3 {
			t.Errorf("%s: %v, not %v", service, got, want)
		}
	}
}

func TestWhatIsSetReachesTheServices(t *testing.T) {
	cfg := defaults(t)
	cfg.Signaling.Origins, cfg.Signaling.HTTPPath, cfg.Signaling.ServerName = []string{"https://a.example"}, "/j", "Mine"
	cfg.Roomstate.LockRTPForward, cfg.Roomstate.TextPostAllow, cfg.Roomstate.AdminKey = true, []string{"a.example"}, "k"
	cfg.Roomstate.AdminKeyFile = "key"
	cfg.Media.NoMediaTimer, cfg.Media.SlowLinkThreshold, cfg.Signaling.MaxSessions = 7, 4, 9
	cfg.OpsListen, cfg.RoomstateOpsListen, cfg.MediaOpsListen = "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"
	cfg.Events.Backoff = time.Hour
	rs, md, sg, err := serviceConfigs(cfg, "nats://n", "redis://r")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(sg.Origins, cfg.Signaling.Origins) || sg.HTTPPath != "/j" || sg.ServerName != "Mine" || sg.MaxSessions != 9 {
		t.Errorf("signaling: %+v", sg)
	}
	if !rs.LockRTPForward || !slices.Equal(rs.TextPostAllow, cfg.Roomstate.TextPostAllow) || rs.AdminKey != "k" || rs.AdminKeyFile != "key" || rs.MaxSessions != 9 || !rs.Forgets {
		t.Errorf("roomstate: %+v", rs)
	}
	if md.NoMediaTimer != 7 || md.SlowLinkThreshold != 4 || md.DrainTimeout != 0 {
		t.Errorf("media: %+v", md)
	}
	if sg.OpsListen != "127.0.0.1:1" || rs.OpsListen != "127.0.0.1:2" || md.OpsListen != "127.0.0.1:3" {
		t.Errorf("internal addresses: %s, %s, %s", sg.OpsListen, rs.OpsListen, md.OpsListen)
	}
	for name, events := range map[string]time.Duration{"signaling": sg.Events.Backoff, "roomstate": rs.Events.Backoff, "media": md.Events.Backoff} {
		if events != time.Hour {
			t.Errorf("%s: events wait %v", name, events)
		}
	}
	if sg.NATSURL != "nats://n" || rs.NATSURL != "nats://n" || md.NATSURL != "nats://n" || rs.RedisURL != "redis://r" {
		t.Errorf("stores: %s, %s, %s, %s", sg.NATSURL, rs.NATSURL, md.NATSURL, rs.RedisURL)
	}
}
