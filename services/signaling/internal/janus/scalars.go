package janus

import (
	"strconv"
	"strings"
)

// checkScalars refuses what encoding/json takes and the JSON library of Janus does not: integers beyond 64 bits,
// reals beyond a double, the character U+0000, and halves of surrogate pairs. value is sound JSON otherwise.
func checkScalars(value []byte) *Error {
	for i := 0; i < len(value); {
		switch c := value[i]; {
		case c == '"':
			end, err := checkString(value, i+1)
			if err != nil {
				return err
			}
			i = end
		case c == '-' || c >= '0' && c <= '9':
			end := i + 1
			for end < len(value) && strings.IndexByte("+-.0123456789Ee", value[end]) >= 0 {
				end++
			}
			if err := checkNumber(string(value[i:end])); err != nil {
				return err
			}
			i = end
		default:
			i++
		}
	}
	return nil
}

func checkNumber(number string) *Error {
	if !strings.ContainsAny(number, ".eE") {
		if _, err := strconv.ParseInt(number, 10, 64); err != nil {
			return invalidJSON("too big integer near '" + shorten(number) + "'")
		}
		return nil
	}
	if _, err := strconv.ParseFloat(number, 64); err != nil {
		return invalidJSON("real number overflow near '" + shorten(number) + "'")
	}
	return nil
}

// checkString looks at the escapes of the string that begins at start, and returns where it has ended.
func checkString(value []byte, start int) (end int, err *Error) {
	high := false // the escape before was the first half of a pair
	for i := start; ; i++ {
		c := value[i]
		if c == '\\' && value[i+1] == 'u' {
			unit, _ := strconv.ParseUint(string(value[i+2:i+6]), 16, 16) // sound JSON has four digits here
			low := unit >= 0xdc00 && unit <= 0xdfff
			switch {
			case unit == 0:
				return 0, invalidJSON("\\u0000 is not allowed")
			case low != high:
				return 0, invalidJSON("invalid Unicode '" + string(value[i:i+6]) + "'")
			}
			high = unit >= 0xd800 && unit <= 0xdbff
			i += 5
			continue
		}
		if high {
			return 0, invalidJSON("invalid Unicode: half a pair")
		}
		switch c {
		case '"':
			return i + 1, nil
		case '\\':
			i++
		}
	}
}
