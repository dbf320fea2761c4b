package roomstate

import "net/url"

// redacted is an address without its password, for the log.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(unreadable)"
	}
	return u.Redacted()
}
