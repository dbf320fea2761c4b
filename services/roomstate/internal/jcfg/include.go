package jcfg

import (
	"errors"
	"fmt"
	"strings"
)

const (
	mostWithin   = 10 // files that include each other, as in libconfig
	mostIncluded = 64 // by one file, and by what that includes
)

// follow reads an @include: its settings are as if they were here.
func (p *parser) follow(depth int) (Group, error) {
	rest, ok := strings.CutPrefix(p.text[p.at:], "@include")
	if !ok {
		return nil, errors.New("expected @include after @")
	}
	p.at = len(p.text) - len(rest)
	line := p.line
	if p.peek() != '"' {
		return nil, errors.New("expected the name of a file after @include")
	}
	name, err := p.str()
	if err != nil {
		return nil, err
	}
	if p.include == nil {
		return nil, errors.New("@include is not followed")
	}
	if *p.included++; *p.included > mostIncluded || p.within == mostWithin {
		return nil, fmt.Errorf("@include %q: more than %d files, or more than %d in each other", name, mostIncluded, mostWithin)
	}
	text, ok := p.include(name, line)
	if !ok {
		return nil, nil
	}
	if len(text) > mostBytes {
		return nil, fmt.Errorf("@include %q: more than %d bytes", name, mostBytes)
	}
	inner := &parser{text: text, line: 1, include: p.include, within: p.within + 1, included: p.included}
	group, err := inner.group(depth, true)
	if err != nil {
		return nil, fmt.Errorf("@include %q: line %d: %w", name, inner.line, err)
	}
	return at(line, group), nil
}

// at has all settings of a group be of a line.
func at(line int, group Group) Group {
	for i := range group {
		group[i].Line = line
		if inner, ok := group[i].Value.(Group); ok {
			at(line, inner)
		}
	}
	return group
}
