// Package mutual is how media nodes, and those who call them, know each other over gRPC: by certificates of one authority (ADR 21).
package mutual

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/cardea-rtc/cardea/proto/certs"
)

// GRPC is what there is to set, the same for roomstate and media; the tags are its documentation.
type GRPC struct {
	GRPCTLSCA   string `name:"grpc-tls-ca" certificate:"authorities" help:"File with the certificates that those of all who speak gRPC here must be of, PEM: an authority of this cluster alone. Set with the next two, gRPC is TLS both ways and nothing else. All three are read again when they change." type:"existingfile" placeholder:"FILE"`
	GRPCTLSCert string `name:"grpc-tls-cert" certificate:"own" help:"File with this service's certificate, PEM: for clients, and for servers too if it is a media node's." type:"existingfile" placeholder:"FILE"`
	GRPCTLSKey  string `name:"grpc-tls-key" help:"File with its key, PEM." type:"existingfile" placeholder:"FILE"`
	GRPCTLSName string `name:"grpc-tls-name" help:"DNS name that the certificates of media nodes are for, of all of them." default:"cardea-media"`
}

// On says whether there are certificates.
func (g GRPC) On() bool { return g.files().Any() }

func (g GRPC) files() certs.Files {
	return certs.Files{CA: g.GRPCTLSCA, Cert: g.GRPCTLSCert, Key: g.GRPCTLSKey}
}

// Credentials are of one side of connections.
type Credentials = credentials.TransportCredentials

// Open returns what to dial and what to serve with: in plain text where there are no certificates.
func (g GRPC) Open(log *slog.Logger) (dial, serve Credentials, err error) {
	f := g.files()
	switch {
	case !f.Any():
		return insecure.NewCredentials(), insecure.NewCredentials(), nil
	case f.CA == "" || f.Cert == "" || f.Key == "":
		return nil, nil, errors.New("grpc-tls-ca, grpc-tls-cert and grpc-tls-key go together: one of them is not set")
	case g.GRPCTLSName == "":
		return nil, nil, errors.New("grpc-tls-name must say what name the certificates of media nodes are for")
	}
	source, err := certs.Open(f, log)
	if err != nil {
		return nil, nil, fmt.Errorf("grpc-tls: %w", err)
	}
	return Dialler(source, g.GRPCTLSName), credentials.NewTLS(source.Server()), nil
}

// Dialler returns what to dial servers of a name with: TLS with what the source has at each handshake.
func Dialler(source *certs.Source, name string) Credentials { return &dialler{source, name} }

// dialler is TLS with the certificates that the files hold at each handshake.
type dialler struct {
	source *certs.Source
	name   string // of servers
}

func (d *dialler) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return credentials.NewTLS(d.source.Client(d.name)).ClientHandshake(ctx, authority, conn)
}

func (d *dialler) ServerHandshake(net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("these are a client's credentials")
}

func (d *dialler) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls", ServerName: d.name}
}

func (d *dialler) Clone() Credentials { return &dialler{d.source, d.name} }

// OverrideServerName is for tests of gRPC's own.
func (d *dialler) OverrideServerName(name string) error {
	d.name = name
	return nil
}
