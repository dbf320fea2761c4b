package roomstate

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/jcfg"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/post"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/textroom"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/videoroom"
)

// JanusFile is a configuration file of a Janus server.
type JanusFile struct{ Name, Text string }

// ReadJanusFiles writes to out what each key of the files is here, or why it is nothing, as comments, and after these
// their rooms, as a file for RoomsFile. Files that others include are read as part of those, from files or from the disk.
func ReadJanusFiles(files []JanusFile, out io.Writer) error {
	check, err := soundRooms()
	if err != nil {
		return err
	}
	texts, included := map[string]string{}, map[string]bool{}
	for _, file := range files {
		texts[filepath.Clean(file.Name)] = file.Text
	}
	includeOf := func(file string) func(name string) (string, error) {
		return func(name string) (string, error) {
			path := filepath.Clean(name)
			if !filepath.IsAbs(name) {
				path = filepath.Join(filepath.Dir(file), name)
			}
			included[path] = true
			if text, given := texts[path]; given {
				return text, nil
			}
			b, err := os.ReadFile(path)
			return string(b), err
		}
	}
	for _, file := range files { // to know what is included
		if err := (&jcfg.Result{Include: includeOf(file.Name)}).Read(file.Name, file.Text); err != nil {
			return err
		}
	}
	r := jcfg.Result{Check: check}
	for _, file := range files {
		if included[filepath.Clean(file.Name)] {
			continue
		}
		r.Include = includeOf(file.Name)
		if err := r.Read(file.Name, file.Text); err != nil {
			return err
		}
	}
	return r.Print(out)
}

// soundRooms returns what tells whether a room is one that a rooms file may have, where all that it needs is set.
func soundRooms() (func(list string, settings map[string]any) (string, error), error) {
	anywhere, err := post.ParseAllow([]string{"0.0.0.0/0", "::/0"})
	if err != nil {
		return nil, err
	}
	return func(list string, settings map[string]any) (string, error) {
		b, err := yaml.Marshal(settings)
		if err != nil {
			return "", err
		}
		settings = nil
		if err := yaml.Unmarshal(b, &settings); err != nil { // as it will be read
			return "", err
		}
		_, byString := settings["room"].(string)
		var of maker
		switch list {
		case "rooms":
			of = videoroom.New(videoroom.Config{StringIDs: byString, TokenSecret: plugin.Fixed("x")})
		case "textrooms":
			of = textroom.New(textroom.Config{StringIDs: byString, PostAllow: anywhere})
		default:
			return "", fmt.Errorf("no list of rooms is called %q", list)
		}
		_, name, err := of.StaticRoom(settings)
		return name, err
	}, nil
}
