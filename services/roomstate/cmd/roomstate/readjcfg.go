package main

import (
	"errors"
	"io"
	"os"

	"github.com/cardea-rtc/cardea/services/roomstate"
)

// readJCFG says what the settings of a Janus server's files are here, and prints its rooms as a rooms file.
func readJCFG(files []string, out io.Writer) error {
	if len(files) == 0 {
		return errors.New("read-jcfg: expected janus.jcfg or janus.plugin.videoroom.jcfg")
	}
	var texts []roomstate.JanusFile
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		texts = append(texts, roomstate.JanusFile{Name: file, Text: string(b)})
	}
	return roomstate.ReadJanusFiles(texts, out)
}
