package talk

import (
	"regexp"
	"strings"
)

// change is of what a handle describes.
type change struct {
	what *regexp.Regexp
	to   string
}

func (h *handle) change(args string) error {
	what, to, _ := strings.Cut(args, " =>")
	re, err := regexp.Compile("(?m)" + lineEnds.Replace(what))
	if err != nil {
		return err
	}
	h.changes = append(h.changes, change{re, lineEnds.Replace(strings.TrimPrefix(to, " "))})
	return nil
}

var lineEnds = strings.NewReplacer(`\n`, "\r\n")

// changed is sdp with the changes, which are for one description.
func (h *handle) changed(sdp string) string {
	for _, c := range h.changes {
		sdp = c.what.ReplaceAllString(sdp, c.to)
	}
	h.changes = nil
	return sdp
}
