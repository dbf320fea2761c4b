package transport

// kind is what a datagram carries.
type kind uint8

const (
	kindUnknown kind = iota
	kindSTUN
	kindDTLS
	kindRTP
	kindRTCP
	kindRelayed // between nodes
)

// classify tells the protocols that share a port apart (RFC 7983, section 7; RFC 5761, section 4 for RTCP).
func classify(b []byte) kind {
	switch {
	case len(b) < 8:
		return kindUnknown
	case b[0] <= 3:
		return kindSTUN
	case b[0] == relayFirstByte:
		return kindRelayed
	case b[0] >= 20 && b[0] <= 63:
		return kindDTLS
	case b[0] < 128 || b[0] > 191:
		return kindUnknown
	case b[1] >= 192 && b[1] <= 223:
		return kindRTCP
	}
	return kindRTP
}
