package transport

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"math"

	"github.com/pion/dtls/v3"
)

// Connection is a DTLS 1.2 connection after its handshake, as another node can go on with it. It holds secrets.
type Connection struct {
	CipherSuite   uint16
	MasterSecret  []byte
	Local, Remote []byte // randoms of the two sides
	// Next is the sequence number (RFC 6347, section 4.1) to go on with: beyond all that are used here until another value is given. A
	// number used twice under one key would tell both plaintexts.
	Next uint64
}

const (
	// recordsAhead is how far beyond the last record another node begins. Numbers are sent whole, and endpoints take any that is
	// higher, so there is no need to be near; 2^48 are enough for 2^28 moves.
	recordsAhead = 1 << 20
	// mostRecords is where a connection cannot go on with another node any more.
	mostRecords = 1<<48 - 2*recordsAhead
	// mostSecret bounds what is read of a master secret: it has 48 bytes.
	mostSecret = 64
)

// established is what pion/dtls writes of a connection by gob, as far as it is of use here.
type established struct {
	HandshakeComplete         bool
	LocalEpoch, RemoteEpoch   uint16
	LocalRandom, RemoteRandom [32]byte
	CipherSuiteID             uint16
	MasterSecret              []byte
	SequenceNumber            uint64
	SRTPProtectionProfile     uint16
	IsClient                  bool
	LocalConnectionID         []byte
	RemoteConnectionID        []byte
}

var errNotCarried = errors.New("DTLS connection is not one that another node can go on with")

// connectionOf takes what stays the same out of a connection's state.
func connectionOf(state *dtls.State) (*Connection, error) {
	b, err := state.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("state of DTLS: %w", err)
	}
	var e established
	if err := gob.NewDecoder(bytes.NewReader(b)).Decode(&e); err != nil {
		return nil, fmt.Errorf("state of DTLS: %w", err)
	}
	if !e.HandshakeComplete || e.LocalEpoch != 1 || e.RemoteEpoch != 1 || len(e.LocalConnectionID)+len(e.RemoteConnectionID) > 0 {
		return nil, errNotCarried
	}
	return &Connection{
		CipherSuite: e.CipherSuiteID, MasterSecret: e.MasterSecret, Local: e.LocalRandom[:], Remote: e.RemoteRandom[:],
		Next: e.SequenceNumber,
	}, nil
}

// state is the other way round.
func (c *Connection) state(client bool, profile uint16) (*dtls.State, error) {
	if len(c.Local) != 32 || len(c.Remote) != 32 || len(c.MasterSecret) == 0 || len(c.MasterSecret) > mostSecret || c.Next >= mostRecords {
		return nil, errNotCarried
	}
	e := established{
		HandshakeComplete: true, LocalEpoch: 1, RemoteEpoch: 1, LocalRandom: [32]byte(c.Local), RemoteRandom: [32]byte(c.Remote),
		CipherSuiteID: c.CipherSuite, MasterSecret: c.MasterSecret, SequenceNumber: c.Next, SRTPProtectionProfile: profile, IsClient: client,
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(&e); err != nil {
		return nil, fmt.Errorf("state of DTLS: %w", err)
	}
	state := new(dtls.State)
	if err := state.UnmarshalBinary(b.Bytes()); err != nil {
		return nil, fmt.Errorf("state of DTLS: %w", err)
	}
	return state, nil
}

const recordHeader = 13 // bytes (RFC 6347, section 4.1)

// lastRecord is the highest number of the encrypted records in a datagram of ours; false if there is none.
func lastRecord(b []byte) (number uint64, ok bool) {
	for len(b) >= recordHeader {
		epoch, size := binary.BigEndian.Uint16(b[3:]), int(binary.BigEndian.Uint16(b[11:]))
		if epoch > 0 {
			number, ok = max(number, binary.BigEndian.Uint64(b[3:])&(1<<48-1)), true
		}
		if len(b) < recordHeader+size {
			break
		}
		b = b[recordHeader+size:]
	}
	return number, ok
}

// admitRecords notes that a datagram is to be sent, unless another node may use its numbers.
func (s *session) admitRecords(b []byte) bool {
	number, ok := lastRecord(b)
	if !ok {
		return true
	}
	if number >= s.bound.Load() {
		return false
	}
	for last := s.next.Load(); number >= last && !s.next.CompareAndSwap(last, number+1); last = s.next.Load() {
	}
	return true
}

// BoundRecords makes number the first of the DTLS records that is not used here. math.MaxUint64 ends that.
func (p *Peer) BoundRecords(number uint64) { p.dtls.bound.Store(number) }

// carried is the connection for another node; nil if that cannot go on with it.
func (s *session) carried() *Connection {
	if s.fixed == nil {
		return nil
	}
	c := *s.fixed
	c.Next = max(c.Next, s.next.Load()) + recordsAhead
	if c.Next >= mostRecords {
		return nil
	}
	return &c
}

// unbounded is the bound of a session that nobody keeps a value of.
const unbounded = math.MaxUint64
