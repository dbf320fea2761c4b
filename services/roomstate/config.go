package roomstate

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/proto/mutual"
	"github.com/cardea-rtc/cardea/proto/reread"
	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/post"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/session"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/textroom"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/videoroom"
)

// Version is set when images are built.
var Version = "dev"

// Config is what there is to set.
type Config struct {
	bus.NATS

	store.Redis

	mutual.GRPC

	Common

	DemoRoom        bool   `help:"Make room 1234, \"Demo Room\", at start if it is not there. No visitor can change it."`
	TokenSecretFile string `help:"File with the secret that tokens are signed with, for VideoRooms with signed_tokens: the same as the edges'; read again when it changes." type:"existingfile" placeholder:"FILE"`
	Forgets         bool   `kong:"-"` // Redis is lost with this process

	MaxSessions int           `default:"200000" help:"Sessions there may be; 0 for no limit."`
	Events      events.Config `embed:""`
	Traces      traces.Config `embed:""`

	OpsListen string `default:"127.0.0.1:9091" form:"listen" help:"Address of /livez, /readyz, /metrics and /debug/pprof/; empty for none."`

	settings.Logging
}

// Common is what is set of roomstate as processes of its own, and in standalone.
type Common struct {
	SessionTimeout        time.Duration `default:"60s" help:"End a session without requests after this; 0 for never."`
	ReclaimSessionTimeout time.Duration `default:"0s" help:"Keep a session whose socket was lost for this, to be claimed; 0 ends it at once."`

	CandidatesTimeout time.Duration `default:"45s" help:"Told by info and get_status as candidates-timeout: at Janus, how long candidates are kept that come before their offer. It changes nothing here: nodes are ICE-lite, learn an endpoint's addresses from its checks, and keep no candidates, so none outlives it."`

	AdminKey       string `help:"Key that create of VideoRoom and TextRoom requires and that shows private rooms; empty for none. As a flag it is seen by all who see this machine's processes: --admin-key-file is not." secret:""`
	AdminKeyFile   string `help:"File with that key, instead; read again when it changes." type:"existingfile" placeholder:"FILE"`
	LockRTPForward bool   `name:"lock-rtp-forward" help:"VideoRoom's rtp_forward requires the admin key too."`

	RoomsFile       string `help:"YAML file of VideoRooms (rooms) and TextRooms (textrooms) to make at start where they are not there." type:"existingfile" placeholder:"FILE"`
	StringIDs       bool   `name:"string-ids" help:"VideoRooms and participants are named by strings instead of integers. All replicas must agree, from the first room on."`
	TextStringIDs   bool   `name:"text-string-ids" help:"TextRooms are named by strings instead of integers. All replicas must agree, from the first room on."`
	MaxHandles      int    `default:"1000" help:"Handles a session may have; 0 for no limit."`
	MaxBody         int    `default:"262144" help:"Bytes a message's body may have; 0 for no limit."`
	MaxRooms        int    `default:"10000" help:"VideoRooms there may be; 0 for no limit."`
	SessionRooms    int    `default:"100" help:"VideoRooms and TextRooms that one session may have made and that are still there, without the admin key; 0 for no limit."`
	MaxTextRooms    int    `default:"10000" help:"TextRooms there may be; 0 for no limit."`
	MaxTextHistory  int    `default:"100" help:"Messages that a TextRoom keeps for who joins later, whatever it is created with."`
	MaxParticipants int    `default:"1000" help:"Participants and subscriptions a VideoRoom may have, each, and participants a TextRoom may; 0 for no limit."`

	TextPostAllow []string `help:"Where TextRooms may post their messages to (post in create): hosts, addresses, networks such as 10.0.0.0/8, comma-separated; empty for nowhere."`
}

// Validate is called when settings have been read.
func (c Config) Validate() error {
	if c.CandidatesTimeout < time.Second {
		return fmt.Errorf("candidates-timeout must be at least 1s, is %v", c.CandidatesTimeout)
	}
	return nil
}

func (c *Config) timeouts() store.Timeouts {
	return store.Timeouts{Session: c.SessionTimeout, Reclaim: c.ReclaimSessionTimeout}
}

func (c *Config) limits() session.Limits {
	return session.Limits{Sessions: c.MaxSessions, Handles: c.MaxHandles, Body: c.MaxBody}
}

func (c *Config) textroom(admin plugin.Secret, allow *post.Allow) textroom.Config {
	return textroom.Config{
		AdminKey: admin, StringIDs: c.TextStringIDs, MaxRooms: c.MaxTextRooms, SessionRooms: c.SessionRooms, MaxParticipants: c.MaxParticipants, MaxHistory: c.MaxTextHistory,
		PostAllow: allow,
	}
}

// videoroom opens what there is to read of files.
func (c *Config) videoroom(admin plugin.Secret, log *slog.Logger) (videoroom.Config, error) {
	tokens, err := reread.OpenSecret("token-secret-file", c.TokenSecretFile, log)
	if err != nil {
		return videoroom.Config{}, err
	}
	return videoroom.Config{
		AdminKey: admin, LockForwards: c.LockRTPForward, TokenSecret: secret(tokens), StringIDs: c.StringIDs, Forgets: c.Forgets,
		MaxRooms: c.MaxRooms, SessionRooms: c.SessionRooms, MaxParticipants: c.MaxParticipants,
	}, nil
}

// adminKey returns the key of administrators, nil for none.
func (c *Config) adminKey(log *slog.Logger) (plugin.Secret, error) {
	if c.AdminKey != "" && c.AdminKeyFile != "" {
		return nil, errors.New("admin-key and admin-key-file are both set: there is one key")
	}
	if c.AdminKey != "" {
		return secret(reread.Fixed(c.AdminKey)), nil
	}
	file, err := reread.OpenSecret("admin-key-file", c.AdminKeyFile, log)
	return secret(file), err
}

// secret is one as rules know it.
func secret(s *reread.Secret) plugin.Secret {
	if s == nil {
		return nil
	}
	return s.Text
}
