package videoroom

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
)

// ID names a room or a feed. It is kept as its JSON form: digits, or a quoted string where string_ids is on.
type ID string

// MarshalJSON writes the form that is kept.
func (id ID) MarshalJSON() ([]byte, error) { return []byte(id), nil }

// UnmarshalJSON keeps what it reads.
func (id *ID) UnmarshalJSON(b []byte) error {
	*id = ID(b)
	return nil
}

// String is the id as people write it, without quotes.
func (id ID) String() string {
	var s string
	if json.Unmarshal([]byte(id), &s) == nil {
		return s
	}
	return string(id)
}

func stringID(s string) ID {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("a string has no JSON form: %v", err)) // cannot be
	}
	return ID(b)
}

// drawn is a number that nobody can foresee and that is the same each time a command is carried out: rules have no
// random source, and a repeated command must not make a second room.
func drawn(command, use string, try int) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", command, use, try))
	return binary.BigEndian.Uint64(sum[:])
}

// drawnID is a random id: of 53 bits, so that JavaScript can hold it, or a UUID.
func drawnID(strings bool, command, use string, try int) ID {
	if !strings {
		return ID(strconv.FormatUint(drawn(command, use, try)>>11|1, 10))
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", command, use, try))
	b := sum[:16]
	b[6] = b[6]&0x0f | 0x40 // version 4 (RFC 9562)
	b[8] = b[8]&0x3f | 0x80
	return stringID(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16]))
}
