package signaling

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// checkOrigin refuses what no browser sends as Origin, since it would let no page in: that is scheme://host[:port], in lower case and
// without the scheme's own port (RFC 6454, section 6.1), or null of pages that have none.
func checkOrigin(origin string) error {
	if origin == "null" {
		return nil
	}
	if origin == "*" {
		return fmt.Errorf("%q is no origin: for all pages leave the setting out", origin)
	}
	scheme, host, ok := strings.Cut(origin, "://")
	u, err := url.Parse(origin)
	if !ok || err != nil || scheme == "" || u.Hostname() == "" || u.Host != host || u.User != nil || strings.Contains(host, "*") || !sound(u.Port(), host) {
		return fmt.Errorf("%q is no origin: it is scheme://host or scheme://host:port, such as https://example.org, without a path", origin)
	}
	if lower := strings.ToLower(origin); origin != lower {
		return fmt.Errorf("%q is no origin as browsers send it: in lower case, %s", origin, lower)
	}
	if own := map[string]string{"http": "80", "https": "443"}[scheme]; own != "" && u.Port() == own {
		return fmt.Errorf("%q is no origin as browsers send it: without the scheme's own port, %s", origin, strings.TrimSuffix(origin, ":"+own))
	}
	return nil
}

// sound tells whether a host has no port, or one from 1 to 65535.
func sound(port, host string) bool {
	if port == "" {
		return !strings.HasSuffix(host, ":")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}
