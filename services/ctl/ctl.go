// Package ctl is the command line for those who run Cardea: what the Admin API tells, as tables or JSON, and what it can be
// asked to do. It keeps nothing and knows no other service than that API, and NATS for events.
package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/alecthomas/kong"
)

// Version is set when images are built.
var Version = "dev"

// What the process ends with.
const (
	Done        = 0
	Refused     = 1   // the cluster was asked and said no, or did not do all of it
	Usage       = 2   // the arguments make no sense
	Unreachable = 3   // nobody answered, or nobody who speaks the Admin API
	Interrupted = 130 // by Ctrl-C, before the end; as shells have it
)

// errInterrupted is of a command that was left before its end.
var errInterrupted = errors.New("interrupted")

// usageError is about arguments.
type usageError struct{ error }

// unreachableError is about what did not answer.
type unreachableError struct{ error }

func misused(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

const about = `Sees and steers a Cardea cluster, by the Admin API of any of its edges.

Ends with 0; 1 if the cluster refuses; 2 if the arguments are wrong; 3 if nobody answers; 130 after Ctrl-C, where something is not over.`

// commands is what there is; the tags are its documentation.
type commands struct {
	Address         string        `help:"URL of the Admin API over HTTP." env:"CARDEA_ADMIN_URL" default:"http://127.0.0.1:7088/admin" placeholder:"URL"`
	AdminSecretFile string        `help:"File with the admin_secret. The secret itself may be in $$CARDEA_ADMIN_SECRET." env:"CARDEA_ADMIN_SECRET_FILE" placeholder:"FILE"`
	CA              string        `name:"ca" help:"File with the authorities, PEM, that may vouch for an https address. Default: the system's." env:"CARDEA_ADMIN_CA" placeholder:"FILE"`
	Timeout         time.Duration `help:"How long an answer may take." default:"20s"`
	JSON            bool          `name:"json" help:"Print JSON instead of tables."`

	Version kong.VersionFlag `help:"Print the version and end."`

	Nodes     nodesCommand     `cmd:"" help:"List the media nodes: how busy they are, and which are being drained."`
	Rooms     roomsCommand     `cmd:"" help:"List the rooms of the cluster, private ones too."`
	Room      roomCommand      `cmd:"" help:"Show who is in a room, and on which node."`
	Sessions  sessionsCommand  `cmd:"" help:"List the sessions and their handles."`
	Stats     statsCommand     `cmd:"" help:"Show the quality of a handle's call."`
	Move      moveCommand      `cmd:"" help:"Have a handle's PeerConnection go on with another node."`
	Drain     drainCommand     `cmd:"" help:"Give a node no more work and have its calls go on with others; waits until that is over."`
	Undrain   undrainCommand   `cmd:"" help:"Call a drain off, and give the node work again."`
	Kick      kickCommand      `cmd:"" help:"Take a participant out of a VideoRoom."`
	Destroy   destroyCommand   `cmd:"" help:"End a VideoRoom or a TextRoom, and the calls in it."`
	Reference referenceCommand `cmd:"" hidden:"" help:"Print all of this, in Markdown."`
	Events    eventsCommand    `cmd:"" help:"Follow what event handlers are told, over NATS."`
}

// console is what a command has to do with: the API, and where to write.
type console struct {
	ctx      context.Context
	api      *api
	json     bool
	args     []string
	out, err io.Writer
}

// exited ends the parser where it would end the process.
type exited struct{ code int }

// Run does what args say, until ctx ends, and returns what the process is to end with.
func Run(ctx context.Context, args []string, out, errOut io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exited)
			if !ok {
				panic(r)
			}
			code = e.code // --help or --version
		}
	}()
	var c commands
	parser, err := kong.New(&c, kong.Name("cardea-ctl"), kong.Description(about), kong.Vars{"version": version()},
		kong.Writers(out, errOut), kong.Exit(func(code int) { panic(exited{code}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}))
	if err != nil {
		fmt.Fprintf(errOut, "cardea-ctl: %v\n", err)
		return Usage
	}
	parsed, err := parser.Parse(args)
	if err == nil {
		err = c.run(ctx, parsed, args, out, errOut)
	} else {
		err = misused("%w (--help tells)", err)
	}
	if err != nil && !errors.Is(err, errInterrupted) {
		fmt.Fprintf(errOut, "cardea-ctl: %v\n", err)
	}
	return codeOf(err)
}

func (c *commands) run(ctx context.Context, parsed *kong.Context, args []string, out, errOut io.Writer) error {
	con := &console{ctx: ctx, json: c.JSON, args: args, out: out, err: errOut}
	var err error
	if con.api, err = newAPI(c); err != nil {
		return err
	}
	defer con.api.client.CloseIdleConnections()
	return parsed.Run(con)
}

func codeOf(err error) int {
	var usage usageError
	var unreachable unreachableError
	switch {
	case err == nil:
		return Done
	case errors.Is(err, errInterrupted):
		return Interrupted
	case errors.As(err, &usage):
		return Usage
	case errors.As(err, &unreachable):
		return Unreachable
	}
	return Refused
}

// version is that of the build, and the commit that it was built from, if that is known.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && Version == "dev" {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return Version + "+" + s.Value
			}
		}
	}
	return Version
}
