package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"text/tabwriter"

	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// DescribePorts writes what a node with these settings listens on and what it tells endpoints, each with its reason. It opens the port for
// media, and closes it again: if that is taken, as by the node itself, it says so, and what is told all the same. Of a port that each
// start chooses it says that its number is not known: a running node's is another than any that could be had here.
func DescribePorts(ctx context.Context, cfg Config, out io.Writer) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	mapped, err := cfg.mapped(ctx)
	if err != nil {
		return err
	}
	told := slices.Clone(cfg.Advertise)
	if mapped.IsValid() {
		told = append(told, mapped)
	}
	group, state, err := tryPort(transport.Config{
		Port: cfg.UDPPort, Workers: 1, TCP: cfg.TCP, Advertise: told, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	defer group.Discard()

	t := portTable{Writer: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0), cfg: cfg, number: "any"}
	if cfg.UDPPort != 0 {
		t.number = fmt.Sprint(cfg.UDPPort)
	}
	t.listens(state)
	t.row()
	if err := t.tells(told, group.DualStack()); err != nil {
		return err
	}
	t.row()
	t.row("CANDIDATES")
	if cfg.UDPPort == 0 {
		t.row("not known: a start chooses their port, and a node that runs has its own (\"media node runs\" in its log)")
		return t.Flush()
	}
	for _, c := range group.CandidatesAt(cfg.UDPPort) {
		t.row("a=candidate:" + c)
	}
	return t.Flush()
}

// portTable is what DescribePorts writes.
type portTable struct {
	*tabwriter.Writer
	cfg    Config
	number string // of the port for media
}

func (t *portTable) row(columns ...any) {
	for i, c := range columns {
		if i > 0 {
			fmt.Fprint(t, "\t")
		}
		fmt.Fprint(t, c)
	}
	fmt.Fprintln(t)
}

// listens says what there is to connect to. state is of the port for media.
func (t *portTable) listens(state string) {
	cfg := &t.cfg
	t.row("LISTENS ON", "FOR", "WHY")
	t.row("UDP "+t.number, "media, of endpoints and of other nodes", state)
	if cfg.TCP {
		t.row("TCP "+t.number, "media by ICE-TCP", "the same number; --no-tcp closes it")
	}
	guarded := "in plain text: never to be public"
	if cfg.GRPC.On() {
		guarded = "for certificates of --grpc-tls-ca alone"
	}
	t.row("TCP "+cfg.GRPCListen, "gRPC, of roomstate and other nodes", "--grpc-listen; "+guarded)
	t.row("TCP "+cfg.OpsListen, "metrics, probes, profiles", "--ops-listen; never to be public")
	if len(cfg.RemoteFrom) > 0 {
		t.row(fmt.Sprintf("UDP %d-%d", cfg.RemotePorts.First, cfg.RemotePorts.Last), "remote publishers", fmt.Sprintf("--remote-ports, since --remote-from is %v", cfg.RemoteFrom))
	}
}

// tells says which addresses endpoints are told, and which not. told are those that are set or asked for.
func (t *portTable) tells(told []netip.Addr, ipv6 bool) error {
	cfg := &t.cfg
	t.row("TELLS ENDPOINTS", "REACHES", "WHY")
	all, err := transport.InterfaceAddresses(ipv6)
	if err != nil {
		return err
	}
	for i, ip := range told {
		why := "--advertise"
		if i >= len(cfg.Advertise) {
			why = fmt.Sprintf("a STUN server of --advertise-stun (%s) sees this machine there", join(cfg.AdvertiseSTUN))
		}
		t.row(at(ip, t.number), reach(ip), why)
	}
	for _, a := range all {
		switch {
		case a.Unfit != "":
			t.row("not "+a.Address.String(), reach(a.Address), a.Interface+", "+a.Unfit)
		case len(told) > 0:
			t.row("not "+a.Address.String(), reach(a.Address), a.Interface+": what is set or asked for takes its place")
		default:
			t.row(at(a.Address, t.number), reach(a.Address), "address of "+a.Interface+"; --advertise and --advertise-stun are not set")
		}
	}
	return nil
}

// tryPort opens the port; if that is taken, any other, which serves as well to find out the rest. state is of the port that was
// asked for.
func tryPort(c transport.Config) (g *transport.Group, state string, err error) {
	g, err = transport.Listen(c)
	switch {
	case err == nil && c.Port == 0:
		return g, "--udp-port 0: each start chooses a number", nil
	case err == nil:
		return g, "--udp-port; free", nil
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return nil, "", err
	}
	state = "--udp-port; taken, by a running node or another program"
	c.Port = 0
	g, err = transport.Listen(c)
	return g, state, err
}

func at(ip netip.Addr, port string) string { return net.JoinHostPort(ip.String(), port) }

// sharedSpace is for carriers' NAT (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

// reach says from where an address can be reached.
func reach(ip netip.Addr) string {
	switch {
	case ip.IsLoopback():
		return "this machine"
	case ip.IsLinkLocalUnicast():
		return "this link"
	case ip.IsPrivate(), sharedSpace.Contains(ip):
		return "its network (private)"
	}
	return "anywhere, unless filtered"
}

func join(all []string) string {
	if len(all) == 1 {
		return all[0]
	}
	return fmt.Sprint(all)
}
