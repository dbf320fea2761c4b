package limit

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestOnlyProxiesAreBelievedWhoAsks(t *testing.T) {
	proxies := Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		from  string
		named []string
		want  string
	}{
		"no proxy":                   {"192.0.2.1:5", nil, "192.0.2.1:5"},
		"no proxy says another":      {"192.0.2.1:5", []string{"198.51.100.1"}, "192.0.2.1:5"},
		"a proxy":                    {"10.0.0.1:5", []string{"198.51.100.1"}, "198.51.100.1:0"},
		"a proxy with ports":         {"10.0.0.1:5", []string{"198.51.100.1:77"}, "198.51.100.1:77"},
		"IPv6":                       {"[fd00::1]:5", []string{"2001:db8::1"}, "[2001:db8::1]:0"},
		"IPv6 with port":             {"[fd00::1]:5", []string{"[2001:db8::1]:77"}, "[2001:db8::1]:77"},
		"IPv6 in brackets":           {"[fd00::1]:5", []string{"[2001:db8::1]"}, "[2001:db8::1]:0"},
		"mapped IPv4":                {"[::ffff:10.0.0.1]:5", []string{"::ffff:198.51.100.1"}, "198.51.100.1:0"},
		"what the endpoint made up":  {"10.0.0.1:5", []string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1:0"},
		"two proxies":                {"10.0.0.1:5", []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1:0"},
		"in two headers":             {"10.0.0.1:5", []string{"203.0.113.9", "198.51.100.1, 10.0.0.2"}, "198.51.100.1:0"},
		"a proxy that names nobody":  {"10.0.0.1:5", nil, "10.0.0.1:5"},
		"a proxy that names rubbish": {"10.0.0.1:5", []string{"198.51.100.1, unknown"}, "10.0.0.1:5"},
		"proxies all the way":        {"10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3:0"},
		"nobody":                     {"@", []string{"198.51.100.1"}, "invalid AddrPort"},
	} {
		r := &http.Request{RemoteAddr: c.from, Header: http.Header{"X-Forwarded-For": c.named}}
		if got := proxies.Endpoint(r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestIPv6CountsByTheNetwork(t *testing.T) {
	of := func(a string) netip.Prefix { return network(netip.MustParseAddr(a)) }
	if of("2001:db8::1") != of("2001:db8::ffff:1") || of("2001:db8::1") == of("2001:db8:0:1::1") || of("192.0.2.1") == of("192.0.2.2") {
		t.Error("networks are not what they should be")
	}
}

func FuzzEndpoint(f *testing.F) {
	f.Add("10.0.0.1:5", "198.51.100.1, 10.0.0.2")
	f.Add("[fd00::1%eth0]:5", "[2001:db8::1]:77,,")
	proxies := Proxies{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, from, named string) {
		got := proxies.Endpoint(&http.Request{RemoteAddr: from, Header: http.Header{"X-Forwarded-For": {named}}})
		direct, err := netip.ParseAddrPort(from)
		if err == nil && !proxies.has(direct.Addr().Unmap()) && got != plain(direct) {
			t.Errorf("%q by saying %q is %s", from, named, got)
		}
		network(got.Addr())
	})
}
