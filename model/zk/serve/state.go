package serve

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk"
)

// state is all of an ensemble that a directory keeps.
type state struct {
	tree     zk.Tree
	granted  int64 // how many sessions there were
	epoch    int64 // of the last leader
	sessions map[int64]grant
}

// grant is one session as it was granted.
type grant struct {
	password [passwordBytes]byte
	timeout  time.Duration
}

func newState() state { return state{tree: zk.NewServerTree(), sessions: map[int64]grant{}} }

// encode is the snapshot of a state.
func (s state) encode() []byte {
	var to jute.Encoder
	to.Int64(s.granted)
	to.Int64(s.epoch)
	to.Int32(int32(len(s.sessions)))
	for _, id := range slices.Sorted(maps.Keys(s.sessions)) {
		g := s.sessions[id]
		to.Int64(id)
		to.Buffer(g.password[:])
		to.Int64(int64(g.timeout))
	}
	return s.tree.Save(to.Bytes)
}

// decodeState is the opposite of encode.
func decodeState(snapshot []byte) (state, error) {
	d := jute.Decoder{Rest: snapshot}
	s := state{granted: d.Int64(), epoch: d.Int64(), sessions: map[int64]grant{}}
	const least = 8 + 4 + passwordBytes + 8
	for range d.Count(least) {
		id := d.Int64()
		s.grant(id, d.Buffer(), time.Duration(d.Int64()))
	}
	if d.Bad {
		return s, fmt.Errorf("%w: its length is wrong", errEntry)
	}
	var err error
	s.tree, err = zk.LoadTree(d.Rest)
	return s, err
}

func (s *state) grant(id int64, password []byte, timeout time.Duration) {
	g := grant{timeout: timeout}
	copy(g.password[:], password)
	s.sessions[id] = g
}

// repeat carries out an entry once more. It fails if that leads elsewhere than the first time.
func (s *state) repeat(en entry) error {
	t := s.tree.At(time.UnixMilli(en.time))
	switch en.kind {
	case entryRefused:
		t = t.Spend()
	case entryWrite:
		next, _, changes, refused := t.Apply(en.parts, nil)
		if refused != nil {
			return fmt.Errorf("%w: a write is refused: %w", errEntry, refused)
		}
		t = count(next, changes)
	case entryACL:
		next, _, err := t.SetACL(en.path, en.acl, -1, nil)
		if err != nil {
			return fmt.Errorf("%w: an ACL of %q is refused: %w", errEntry, en.path, err)
		}
		t = next
	case entryBegin:
		t = t.Spend()
		s.grant(en.session, en.secret, en.timeout)
		s.granted++
	case entryEnd:
		next, changes := t.EndSession(en.session)
		t = count(next, changes)
		delete(s.sessions, en.session)
	case entryEpoch:
		t, s.epoch = t.Begin(en.epoch), en.epoch
	}
	if t.Zxid() != en.zxid {
		return fmt.Errorf("%w: it has the zxid %s, and %s is its turn", errEntry, hex(en.zxid), hex(t.Zxid()))
	}
	s.tree = t
	return nil
}
