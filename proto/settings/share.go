package settings

import (
	"fmt"
	"reflect"

	"github.com/alecthomas/kong"
)

// Share gives each setting of to the value that the setting of the same name has in from; both are pointers to structs as for
// Parse. What only one of them has stays as it is. Settings of one name must have one type.
func Share(to, from any) error {
	theirs, err := byName(from)
	if err != nil {
		return err
	}
	ours, err := byName(to)
	if err != nil {
		return err
	}
	for name, flag := range ours {
		other, ok := theirs[name]
		if !ok {
			continue
		}
		if flag.Target.Type() != other.Target.Type() {
			return fmt.Errorf("setting %s is a %v in %T and a %v in %T", name, flag.Target.Type(), to, other.Target.Type(), from)
		}
		flag.Target.Set(other.Target)
	}
	return nil
}

// Names returns the settings that a pointer to a struct has, as for Parse, each with its default as it is written.
func Names(target any) (map[string]string, error) {
	all, err := byName(target)
	if err != nil {
		return nil, err
	}
	defaults := make(map[string]string, len(all))
	for name, flag := range all {
		defaults[name] = flag.Default
	}
	return defaults, nil
}

func byName(target any) (map[string]*kong.Flag, error) {
	if reflect.TypeOf(target).Kind() != reflect.Pointer {
		return nil, fmt.Errorf("settings of a %T, which is no pointer", target)
	}
	parser, err := kong.New(target)
	if err != nil {
		return nil, fmt.Errorf("settings of %T: %w", target, err)
	}
	all := map[string]*kong.Flag{}
	for _, flag := range flags(parser.Model) {
		all[flag.Name] = flag
	}
	return all, nil
}
