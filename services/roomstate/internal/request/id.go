package request

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
)

// ID names a room or a participant. It is kept as its JSON form: digits, or a quoted string where ids are strings
// (string_ids).
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

// StringID is a string as an ID.
func StringID(s string) ID {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("a string has no JSON form: %v", err)) // cannot be
	}
	return ID(b)
}

// NumberID is a number as an ID.
func NumberID(n uint64) ID { return ID(strconv.FormatUint(n, 10)) }

// CompareIDs puts numbers in their order, and strings in theirs.
func CompareIDs(a, b ID) int {
	if len(a) > 0 && a[0] == '"' {
		return cmp.Compare(a.String(), b.String())
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// ID reads an id: a string, or an integer that is not negative.
func (o Object) ID(name string, strings bool) (ID, bool) {
	if strings {
		s, ok := o.Text(name)
		return StringID(s), ok
	}
	n, ok := o.Uint(name)
	return NumberID(n), ok
}

// IDKind is the kind of fields that hold ids.
func IDKind(strings bool) Kind {
	if strings {
		return Text
	}
	return Positive
}

// drawn is a number that nobody can foresee and that is the same each time a command is carried out: rules have no
// random source, and a repeated command must not make a second room.
func drawn(command, use string, try int) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%s %s %d", command, use, try))
}

// DrawnNumber is such a number.
func DrawnNumber(command, use string, try int) uint64 {
	sum := drawn(command, use, try)
	return binary.BigEndian.Uint64(sum[:])
}

// DrawnID is a random id: of 53 bits, so that JavaScript can hold it, or a UUID.
func DrawnID(strings bool, command, use string, try int) ID {
	if !strings {
		return NumberID(DrawnNumber(command, use, try)>>11 | 1)
	}
	sum := drawn(command, use, try)
	b := sum[:16]
	b[6] = b[6]&0x0f | 0x40 // version 4 (RFC 9562)
	b[8] = b[8]&0x3f | 0x80
	return StringID(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16]))
}
