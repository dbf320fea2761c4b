package ctl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// watching is part of each command that shows something.
type watching struct {
	Watch bool          `help:"Show it again and again, until Ctrl-C."`
	Every time.Duration `help:"How often, with --watch." default:"2s"`
}

// show prints what fetch returns, as a table or as JSON: indented, or with --watch one line each time. Nobody who answers for
// a while is no reason to stop watching.
func (w *watching) show(con *console, fetch func() (json.RawMessage, error), table func(out io.Writer, b json.RawMessage) error) error {
	if w.Every < 100*time.Millisecond {
		return misused("--every %s must be 100ms or more", w.Every)
	}
	for first := true; ; first = false {
		err := w.once(con, fetch, table)
		var away unreachableError
		switch {
		case errors.Is(err, errInterrupted) && w.Watch:
			return nil
		case errors.As(err, &away) && !first:
			fmt.Fprintf(con.err, "cardea-ctl: %v\n", err)
		case err != nil || !w.Watch:
			return err
		}
		select {
		case <-con.ctx.Done():
			return nil
		case <-time.After(w.Every):
		}
	}
}

func (w *watching) once(con *console, fetch func() (json.RawMessage, error), table func(io.Writer, json.RawMessage) error) error {
	b, err := fetch()
	if err != nil {
		return err
	}
	var page bytes.Buffer
	switch {
	case con.json && w.Watch:
		page.Write(append(b, '\n'))
	case con.json:
		if err := json.Indent(&page, b, "", "  "); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		page.WriteByte('\n')
	default:
		if w.Watch && terminal(con.out) {
			page.WriteString("\x1b[H\x1b[2J") // to the top of a page that is empty
		}
		if err := table(&page, b); err != nil {
			return err
		}
		if w.Watch && !terminal(con.out) {
			page.WriteByte('\n')
		}
	}
	_, err = con.out.Write(page.Bytes())
	return err
}

func terminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// say prints what was done: a sentence, or the answer itself.
func (con *console) say(answer json.RawMessage, format string, args ...any) error {
	if con.json {
		_, err := fmt.Fprintf(con.out, "%s\n", answer)
		return err
	}
	_, err := fmt.Fprintln(con.out, printable(fmt.Sprintf(format, args...)))
	return err
}
