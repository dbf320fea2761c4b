package keep

import (
	"errors"
	"sync"
	"time"
)

// Limits of a vault.
const (
	MaxPeers  = 20_000    // of all owners
	MaxBytes  = 512 << 20 // of their values
	MaxValue  = 512 << 10 // of one
	maxOwners = 4096      // that are fenced, the last; and that keep
)

const (
	// forgottenAfter is how long after an owner's last message its values can be had: longer than it takes to find that it is
	// dead, and shorter than anybody relies on it.
	forgottenAfter = 10 * time.Second
	// rescueTime is how long those of a fenced owner can be had.
	rescueTime = time.Minute
)

// Why a vault gives or takes nothing.
var (
	ErrFenced    = errors.New("the owner is fenced")
	ErrNotFenced = errors.New("the owner is not fenced")
	ErrNoValue   = errors.New("there is no value of that peer, or another node has gone on from it")
	ErrFull      = errors.New("no more is kept")
	ErrOld       = errors.New("the line is not the owner's last, or was silent for too long")
)

// Peer names a peer.
type Peer struct {
	Session, Handle uint64
	Generation      uint32
}

// Vault is what a keeper holds, of all owners. Owners are named by ids of processes. It is safe for concurrent use.
type Vault struct {
	now func() time.Duration

	mu      sync.Mutex
	owners  map[string]*owner
	lines   uint64   // opened so far, by all
	fenced  []string // in the order in which they were
	peers   int
	bytes   int
	refused uint64
}

type owner struct {
	line   uint64 // the last that was opened
	change uint64 // of keepers, with which that was
	heard  time.Duration
	fenced bool
	until  time.Duration // of what is fenced
	told   chan struct{} // closed when it is
	values map[Peer]*kept
}

type kept struct {
	serial uint64
	state  []byte
	to     string // who goes on from it
}

// NewVault returns an empty one. now is a clock that does not stop while the process does.
func NewVault(now func() time.Duration) *Vault {
	return &Vault{now: now, owners: map[string]*owner{}}
}

// Open begins a line of an owner's: what came by lines before is not taken any more. Where the owner has had other keepers
// meanwhile, by the number of changes, what it had here before is too old. fenced is closed when the owner is fenced.
func (v *Vault) Open(id string, change uint64) (line uint64, fenced <-chan struct{}, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.forget()
	o := v.owners[id]
	if o == nil {
		if len(v.owners) >= 2*maxOwners {
			return 0, nil, ErrFull
		}
		o = newOwner()
		v.owners[id] = o
	}
	if o.fenced {
		return 0, nil, ErrFenced
	}
	if o.change != change {
		v.clear(o)
		o.change = change
	}
	v.lines++
	o.line = v.lines
	o.heard = v.now()
	return o.line, o.told, nil
}

func newOwner() *owner { return &owner{told: make(chan struct{}), values: map[Peer]*kept{}} }

// Put takes a value, in the place of the one before; an empty one only ends that. ErrFull leaves none. After ErrOld and
// ErrFenced nothing more is taken by the line.
func (v *Vault) Put(id string, line uint64, p Peer, serial uint64, state []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	o := v.owners[id]
	switch {
	case o == nil || o.line != line:
		return ErrOld
	case o.fenced:
		return ErrFenced
	}
	o.heard = v.now()
	last := o.values[p]
	if last != nil && last.serial >= serial {
		return nil // it came twice
	}
	v.drop(o, p)
	switch {
	case len(state) == 0:
		return nil
	case len(state) > MaxValue, v.peers >= MaxPeers, v.bytes+len(state) > MaxBytes:
		v.refused++
		return ErrFull
	}
	o.values[p] = &kept{serial: serial, state: state}
	v.peers++
	v.bytes += len(state)
	return nil
}

// Hear is for a message without values.
func (v *Vault) Hear(id string, line uint64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	o := v.owners[id]
	switch {
	case o == nil || o.line != line:
		return ErrOld
	case o.fenced:
		return ErrFenced
	}
	o.heard = v.now()
	return nil
}

// Fence takes nothing more of an owner, ever, and returns the peers whose values can be had, or that somebody has gone on from
// already, which is no loss: those that came with that change of keepers.
func (v *Vault) Fence(id string, change uint64) []Peer {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.forget()
	o := v.owners[id]
	if o == nil {
		o = newOwner()
		v.owners[id] = o
	}
	if !o.fenced {
		o.fenced, o.until = true, v.now()+rescueTime
		close(o.told)
		v.fenced = append(v.fenced, id)
		if len(v.fenced) > maxOwners {
			v.clear(v.owners[v.fenced[0]])
			delete(v.owners, v.fenced[0])
			v.fenced = v.fenced[1:]
		}
	}
	if o.change != change {
		v.clear(o)
	}
	var all []Peer
	for p := range o.values {
		all = append(all, p)
	}
	return all
}

// Look returns the value of a fenced owner's peer to a node that may go on from it.
func (v *Vault) Look(id string, p Peer, to string) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k, err := v.find(id, p, to)
	if err != nil {
		return nil, err
	}
	return k.state, nil
}

// Take is Look for a node that goes on from the value, as no other may after it. The same one may ask again.
func (v *Vault) Take(id string, p Peer, to string) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k, err := v.find(id, p, to)
	if err != nil {
		return nil, err
	}
	k.to = to
	return k.state, nil
}

// find returns a fenced owner's value. The lock is held.
func (v *Vault) find(id string, p Peer, to string) (*kept, error) {
	v.forget()
	o := v.owners[id]
	if o == nil || !o.fenced {
		return nil, ErrNotFenced
	}
	k := o.values[p]
	if k == nil || k.to != "" && k.to != to {
		return nil, ErrNoValue
	}
	return k, nil
}

// forget drops what cannot be had any more. The lock is held.
func (v *Vault) forget() {
	now := v.now()
	for id, o := range v.owners {
		switch {
		case o.fenced && now >= o.until:
			v.clear(o) // that it is fenced stays known
		case !o.fenced && now-o.heard >= forgottenAfter:
			v.clear(o)
			delete(v.owners, id)
		}
	}
}

func (v *Vault) clear(o *owner) {
	for p := range o.values {
		v.drop(o, p)
	}
}

func (v *Vault) drop(o *owner, p Peer) {
	if k := o.values[p]; k != nil {
		delete(o.values, p)
		v.peers--
		v.bytes -= len(k.state)
	}
}

// Stats are what a vault holds, and how many values it did not take.
type Stats struct {
	Peers   int // of owners that live
	Bytes   int // of all
	Refused uint64
}

// Stats may be called at any time.
func (v *Vault) Stats() Stats {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.forget()
	s := Stats{Bytes: v.bytes, Refused: v.refused}
	for _, o := range v.owners {
		if !o.fenced {
			s.Peers += len(o.values)
		}
	}
	return s
}
