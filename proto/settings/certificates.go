package settings

import (
	"errors"
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"github.com/cardea-rtc/cardea/proto/certs"
)

// Certificates returns the files with certificates that a pointer to a struct, as for Parse, names: those of its fields with the tag
// certificate, which says of what kind they are (certs.Own, certs.Authorities).
func Certificates(target any) ([]certs.File, error) {
	all, err := byName(target)
	if err != nil {
		return nil, err
	}
	flags := make([]*kong.Flag, 0, len(all))
	for _, flag := range all {
		flags = append(flags, flag)
	}
	return certificates(flags), nil
}

func certificates(flags []*kong.Flag) (files []certs.File) {
	for _, flag := range flags {
		if path := flag.Target.String(); flag.Tag.Has("certificate") && path != "" {
			files = append(files, certs.File{Setting: flag.Name, Path: path, Kind: flag.Tag.Get("certificate")})
		}
	}
	return files
}

// refuseExpired is for config check. At the start there is but a warning: what has expired may be renewed under way.
func refuseExpired(files []certs.File, now time.Time) error {
	var all []error
	for _, f := range files {
		if err := certs.Expired(f.Path, f.Kind, now); err != nil {
			all = append(all, fmt.Errorf("%s: %w", f.Setting, err))
		}
	}
	return errors.Join(all...)
}
