package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// forms are what the tag form of a setting may say of its value, each with what refuses another; empty values are none.
var forms = map[string]func(string) error{
	"listen":  func(v string) error { return checkAddress(v, true) },
	"address": func(v string) error { return checkAddress(v, false) },
	"folder":  checkFolder,
	// new-folder is of one that is made if it is not there.
	"new-folder": checkNewFolder,
}

// refuseForms is for config check. A start finds out about an address when it uses it; it opens folders, and writes nothing in them:
// a disk that is full ends no calls.
func refuseForms(flags []*kong.Flag) error {
	var all []error
	for _, flag := range flags {
		if !flag.Tag.Has("form") {
			continue
		}
		check, ok := forms[flag.Tag.Get("form")]
		if !ok {
			return fmt.Errorf("%s: there is no form %q", flag.Name, flag.Tag.Get("form"))
		}
		values, ok := flag.Target.Interface().([]string)
		if !ok {
			values = []string{flag.Target.String()}
		}
		for _, value := range values {
			if value == "" {
				continue
			}
			if err := check(value); err != nil {
				all = append(all, fmt.Errorf("%s: %w", flag.Name, err))
			}
		}
	}
	return errors.Join(all...)
}

// checkAddress refuses what is not HOST:PORT; one to listen at may leave out the host. No name is resolved.
func checkAddress(address string, listens bool) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		var why *net.AddrError
		if errors.As(err, &why) {
			return fmt.Errorf("%q is not HOST:PORT: %s", address, why.Err)
		}
		return fmt.Errorf("%q is not HOST:PORT: %w", address, err)
	}
	number, err := net.LookupPort("tcp", port)
	if err != nil || port == "" {
		return fmt.Errorf("%q is not HOST:PORT: %q is no port", address, port)
	}
	switch {
	case listens && host == "":
	case host == "":
		return fmt.Errorf("%q is not HOST:PORT: it has no host", address)
	case !listens && number == 0:
		return fmt.Errorf("%q is not HOST:PORT: nobody is reached at port 0", address)
	case !isHost(host):
		return fmt.Errorf("%q is not HOST:PORT: %q is neither an IP address nor a name", address, host)
	}
	return nil
}

// isHost tells whether a text is an IP address, or can be a name that has one.
func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return !strings.ContainsFunc(host, func(r rune) bool {
		return !strings.ContainsRune("-._", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r < 0x80
	})
}

// checkFolder refuses a path that is no folder in which files can be made.
func checkFolder(path string) error {
	about, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !about.IsDir() {
		return fmt.Errorf("%s is no folder", path)
	}
	file, err := os.CreateTemp(path, ".cardea-config-check-")
	if err != nil {
		return fmt.Errorf("nothing can be written in %s: %w", path, err)
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// checkNewFolder is checkFolder, where one that is not there is fine if it can be made.
func checkNewFolder(path string) error {
	at := filepath.Clean(path)
	for at != filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		at = filepath.Dir(at)
	}
	err := checkFolder(at)
	if err != nil && at != filepath.Clean(path) {
		return fmt.Errorf("%s cannot be made: %w", path, err)
	}
	return err
}

// refuseNegative refuses times below zero, which are none of any setting.
func refuseNegative(flags []*kong.Flag) error {
	for _, flag := range flags {
		if d, ok := flag.Target.Interface().(time.Duration); ok && d < 0 {
			return fmt.Errorf("%s must not be below 0, is %v", flag.Name, d)
		}
	}
	return nil
}
