// Package jcfg reads a Janus server's configuration files and says what their settings are here.
//
// parse.go reads libconfig, the format of the files; keys.go knows the keys; report.go puts both together.
package jcfg

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Setting is one of a group, in the order of the file. Its value is a string, int64, float64, bool, Group (braces) or
// []any (brackets or parentheses).
type Setting struct {
	Name  string
	Value any
	Line  int
}

// Group is what is between braces, or a whole file.
type Group []Setting

const (
	mostDepth = 32      // of groups and lists in each other
	mostBytes = 4 << 20 // of a file
)

// Parse reads a file in libconfig's format (its manual, chapter 2). @include is an error.
func Parse(text string) (Group, error) { return ParseWith(text, nil) }

// ParseWith is Parse that asks include for the text of files that are included. Their settings have the line of the @include;
// where it returns false, there are none.
func ParseWith(text string, include func(name string, line int) (string, bool)) (Group, error) {
	if len(text) > mostBytes {
		return nil, fmt.Errorf("more than %d bytes", mostBytes)
	}
	p := &parser{text: text, line: 1, include: include, included: new(int)}
	group, err := p.group(0, true)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", p.line, err)
	}
	return group, nil
}

type parser struct {
	text string
	at   int
	line int

	include  func(name string, line int) (string, bool) // nil for none
	within   int                                        // files that include this one
	included *int                                       // so far, in all
}

// peek returns the next character that is no space and in no comment, 0 at the end.
func (p *parser) peek() byte {
	for p.at < len(p.text) {
		rest := p.text[p.at:]
		switch {
		case rest[0] == '\n':
			p.line++
			p.at++
		case strings.IndexByte(" \t\r\f\v", rest[0]) >= 0:
			p.at++
		case rest[0] == '#', strings.HasPrefix(rest, "//"):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			p.at += end
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest, "*/")
			if end < 0 {
				end = len(rest) - 2
			}
			p.line += strings.Count(rest[:end], "\n")
			p.at += end + 2
		default:
			return rest[0]
		}
	}
	return 0
}

func (p *parser) take(c byte) bool {
	if p.peek() != c || c == 0 {
		return false
	}
	p.at++
	return true
}

// group reads settings up to a closing brace, or to the end of the file.
func (p *parser) group(depth int, file bool) (Group, error) {
	if depth > mostDepth {
		return nil, fmt.Errorf("more than %d groups in each other", mostDepth)
	}
	group := Group{}
	for {
		c := p.peek()
		switch {
		case c == 0 && file, c == '}' && !file:
			p.at += len("}")
			return group, nil
		case c == 0:
			return nil, errors.New("a group is not closed")
		case c == '@':
			more, err := p.follow(depth)
			if err != nil {
				return nil, err
			}
			group = append(group, more...)
			continue
		}
		name := p.word(isNameByte)
		if name == "" {
			return nil, fmt.Errorf("expected a name, found %q", string(c))
		}
		setting := Setting{Name: name, Line: p.line}
		if !p.take('=') && !p.take(':') {
			return nil, fmt.Errorf("expected = or : after %s", name)
		}
		var err error
		if setting.Value, err = p.value(depth); err != nil {
			return nil, err
		}
		group = append(group, setting)
		if !p.take(';') {
			p.take(',')
		}
	}
}

func (p *parser) value(depth int) (any, error) {
	switch c := p.peek(); c {
	case '{':
		p.at++
		return p.group(depth+1, false)
	case '[':
		p.at++
		return p.list(']', depth+1)
	case '(':
		p.at++
		return p.list(')', depth+1)
	case '"':
		return p.str()
	case 0:
		return nil, errors.New("a value is missing")
	}
	return scalar(p.word(isScalarByte))
}

func (p *parser) list(closing byte, depth int) ([]any, error) {
	if depth > mostDepth {
		return nil, fmt.Errorf("more than %d lists in each other", mostDepth)
	}
	list := []any{}
	for !p.take(closing) {
		if p.peek() == 0 {
			return nil, errors.New("a list is not closed")
		}
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if !p.take(',') && p.peek() != closing {
			return nil, errors.New("expected , between the values of a list")
		}
	}
	return list, nil
}

// str reads a string; strings that follow each other are one.
func (p *parser) str() (string, error) {
	var b strings.Builder
	for p.take('"') {
		if err := p.quoted(&b); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// quoted reads up to the closing quote.
func (p *parser) quoted(b *strings.Builder) error {
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch c {
		case '"':
			return nil
		case '\n':
			p.line++
		case '\\':
			if err := p.escape(b); err != nil {
				return err
			}
			continue
		}
		b.WriteByte(c)
	}
	return errors.New("a string is not closed")
}

func (p *parser) escape(b *strings.Builder) error {
	if p.at >= len(p.text) {
		return errors.New("a string is not closed")
	}
	c := p.text[p.at]
	p.at++
	if i := strings.IndexByte(`\"nrtf`, c); i >= 0 {
		b.WriteByte("\\\"\n\r\t\f"[i])
		return nil
	}
	if c == 'x' && p.at+2 <= len(p.text) {
		n, err := strconv.ParseUint(p.text[p.at:p.at+2], 16, 8)
		if err == nil {
			p.at += 2
			b.WriteByte(byte(n))
			return nil
		}
	}
	return fmt.Errorf("unknown escape \\%c", c)
}

func (p *parser) word(fits func(c byte) bool) string {
	begin := p.at
	for p.at < len(p.text) && fits(p.text[p.at]) {
		p.at++
	}
	return p.text[begin:p.at]
}

func isNameByte(c byte) bool {
	return c == '-' || c == '_' || c == '*' || isDigit(c) || isLetter(c)
}

func isScalarByte(c byte) bool { return c == '+' || c == '-' || c == '.' || isDigit(c) || isLetter(c) }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// scalar reads a boolean or a number, which may end in L.
func scalar(word string) (any, error) {
	switch strings.ToLower(word) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	digits := strings.TrimRight(word, "L")
	if n, err := strconv.ParseInt(digits, 0, 64); err == nil && !strings.Contains(digits, "_") {
		return n, nil
	}
	if n, err := strconv.ParseFloat(digits, 64); err == nil && !strings.ContainsAny(strings.ToLower(digits), "nx_") {
		return n, nil
	}
	return nil, fmt.Errorf("%q is no value", word)
}
