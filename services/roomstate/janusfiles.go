package roomstate

import (
	"io"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/jcfg"
)

// JanusFile is a configuration file of a Janus server.
type JanusFile struct{ Name, Text string }

// ReadJanusFiles writes to out what each key of the files is here, or why it is nothing, as comments, and after these
// their rooms, as a file for RoomsFile.
func ReadJanusFiles(files []JanusFile, out io.Writer) error {
	var r jcfg.Result
	for _, file := range files {
		if err := r.Read(file.Name, file.Text); err != nil {
			return err
		}
	}
	return r.Print(out)
}
