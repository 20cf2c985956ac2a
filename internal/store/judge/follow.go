package judge

import (
	"maps"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/store/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// opening is an epoch that was begun.
type opening struct {
	zxid    int64
	session string
	found   map[string]kept // the records at that moment
}

// kept is a record as the commits have it.
type kept struct {
	version int32
	value   string // digest
	group   string // of its parts; empty if the value is in the znode itself
}

// back is an epoch that is not the next one.
type back struct {
	zxid        int64
	write       *checker.Write
	epoch, last int32
}

// stray is a write to records or parts that is not by the store that was opened last.
type stray struct {
	zxid    int64
	write   *checker.Write
	session string
	path    string
	late    bool // by another session than that of the store that was opened last
	epoch   int32
}

// group is the znode above the parts of a value.
type group struct {
	name  string
	epoch int32
	made  int64
	owned int64  // since when a record points to it; 0: none does
	key   string // of that record
	loose int64  // since when no record points to it
	gone  int64  // when it was deleted; 0: it was not
	parts map[int]string
}

// broken is a record that was made to point to parts that are not all there, or whose parts were deleted.
type broken struct {
	zxid    int64
	write   *checker.Write
	key     string
	deleted bool
}

// follower goes through the commits.
type follower struct {
	*facts
	written map[int64]*checker.Write
	epoch   int32
	there   bool // there is an epoch
	owner   string
	records map[string]kept
	parts   map[string]*group
}

func newFollower(f *facts) *follower {
	w := &follower{facts: f, written: map[int64]*checker.Write{}, records: map[string]kept{}, parts: map[string]*group{}}
	for i := range f.Writes {
		if one := &f.Writes[i]; one.Zxid != 0 {
			w.written[one.Zxid] = one
		}
	}
	return w
}

func (f *follower) follow() {
	for _, commit := range f.Index.Commits {
		if commit.Kind == record.CommitWrite {
			f.apply(commit)
		}
	}
}

// apply applies a write.
func (f *follower) apply(commit record.Commit) {
	checked := f.checks(commit)
	for _, op := range commit.Ops {
		if op.Kind == "check" {
			continue
		}
		name, number, isPart := history.PartOf(op.Path)
		key := history.KeyOf(op.Path)
		switch {
		case op.Path == history.Epoch:
			f.raise(commit, op)
			continue
		case isPart:
			f.part(commit.Zxid, op, name, number)
		case key != "":
			f.record(commit.Zxid, op, key)
		default:
			continue
		}
		if !checked || commit.Session != f.owner {
			f.strays = append(f.strays, stray{commit.Zxid, f.written[commit.Zxid], commit.Session, op.Path, commit.Session != f.owner, f.epoch})
		}
	}
}

// checks reports whether a write demands the present epoch. The commits have the version that a check found, and
// the participant's own request has the one that it demands.
func (f *follower) checks(commit record.Commit) bool {
	ops := commit.Ops
	if w := f.written[commit.Zxid]; w != nil {
		ops = w.Invoke.Ops()
	}
	return slices.ContainsFunc(ops, func(op record.Op) bool {
		return op.Kind == "check" && op.Path == history.Epoch && op.Version == f.epoch
	})
}

// raise notes a new epoch.
func (f *follower) raise(commit record.Commit, op record.Op) {
	switch {
	case op.Kind == "create" && !f.there:
		f.there = true
		return
	case op.Kind != "set" || op.Got != f.epoch+1:
		f.backs = append(f.backs, back{commit.Zxid, f.written[commit.Zxid], op.Got, f.epoch})
	}
	f.epoch, f.owner = op.Got, commit.Session
	f.openings[f.epoch] = &opening{commit.Zxid, commit.Session, maps.Clone(f.records)}
}

// part changes parts.
func (f *follower) part(zxid int64, op record.Op, name string, number int) {
	g := f.parts[name]
	if g != nil && op.Kind == "delete" && g.owned > 0 {
		f.broken = append(f.broken, broken{zxid, f.written[zxid], g.key, true})
	}
	switch {
	case number < 0 && op.Kind == "create":
		epoch, _ := history.EpochOfGroup(name)
		g = &group{name: name, epoch: epoch, made: zxid, loose: zxid, parts: map[int]string{}}
		f.parts[name] = g
		f.groups = append(f.groups, g)
	case g == nil:
	case number < 0 && op.Kind == "delete":
		g.gone = zxid
		delete(f.parts, name)
	case op.Kind == "delete":
		delete(g.parts, number)
	default:
		g.parts[number] = op.Data
	}
}

// record changes a record.
func (f *follower) record(zxid int64, op record.Op, key string) {
	if g := f.parts[f.records[key].group]; g != nil {
		g.owned, g.loose = 0, zxid
	}
	if op.Kind == "delete" {
		delete(f.records, key)
		return
	}
	now := kept{}
	if op.Kind == "set" {
		now.version = op.Got
	}
	value, at, is := history.ReadData(op.Data)
	switch {
	case !is:
		f.broken = append(f.broken, broken{zxid, f.written[zxid], key, false})
	case at == nil:
		now.value = history.Digest([]byte(value))
	default:
		now.group = at.Group
		now.value = f.joined(zxid, key, at)
	}
	f.records[key] = now
}

// joined is the digest of a value that is in parts.
func (f *follower) joined(zxid int64, key string, at *history.Pointer) string {
	g := f.parts[at.Group]
	if g == nil {
		f.broken = append(f.broken, broken{zxid, f.written[zxid], key, false})
		return ""
	}
	g.owned, g.key, g.loose = zxid, key, 0
	var value strings.Builder
	for n := range at.Count {
		value.WriteString(g.parts[n])
	}
	if value.Len() != at.Size || len(g.parts) != at.Count {
		f.broken = append(f.broken, broken{zxid, f.written[zxid], key, false})
	}
	return history.Digest([]byte(value.String()))
}
