package standby

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// request is the data of Layout.Failover: it asks the active to hand over. What is no JSON is the name of
// the target, as a person writes it; empty means any other candidate.
type request struct {
	To string `json:"to"`
	ID string `json:"id,omitempty"` // of the request; empty if it was made by hand
	// Candidate and Epoch are of a request that was accepted: the znode of the target, and the epoch
	// since the old active has given the lock up. Until a later one begins, the others hold back.
	Candidate string `json:"candidate,omitempty"`
	Epoch     int32  `json:"epoch,omitempty"`
}

// parseRequest reads the data of the znode.
func parseRequest(data []byte) request {
	var r request
	if json.Unmarshal(data, &r) != nil {
		r = request{To: strings.TrimSpace(string(data))}
	}
	return r
}

// asked is a request as it was read.
type asked struct {
	request
	version int32
}

// readRequest reads the request, with a watch. It returns nil if there is none.
func (l Layout) readRequest(ctx context.Context, session fence.Session) (*asked, zkapi.Source, error) {
	seen, err := fence.Look(ctx, session, fence.Exists(l.Failover).Watched())
	if err != nil || !seen.Found {
		return nil, seen.Watch, err
	}
	got, err := session.Do(ctx, fence.Get(l.Failover))
	switch {
	case errors.Is(err, zkapi.ErrNoNode):
		return nil, seen.Watch, nil // the watch has fired
	case err != nil:
		return nil, nil, err
	}
	return &asked{parseRequest(got.Data), got.Stat.Version}, seen.Watch, nil
}

// candidatePrefix begins the names of the znodes of candidates.
const candidatePrefix = "c-"

// Member is one process of a group.
type Member struct {
	Name    string // Config.Name; empty for an active that was made by hand
	Data    string // of the lock, of an active: Config.Data
	Epoch   int32  // of an active; 0 for one that was made by hand
	Session int64
	znode   string // of a candidate: the name below Layout.Candidates
}

// Exists reports whether there is such a process.
func (m Member) Exists() bool { return m.Session != 0 }

// candidates reads who stands, in the order of the names of their znodes.
func (l Layout) candidates(ctx context.Context, session fence.Session) ([]Member, error) {
	listed, err := session.Do(ctx, fence.Children(l.Candidates))
	if errors.Is(err, zkapi.ErrNoNode) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names := slices.DeleteFunc(slices.Clone(listed.Children), func(name string) bool { return !strings.HasPrefix(name, candidatePrefix) })
	reads := make([]fence.Read, len(names))
	for i, name := range names {
		reads[i] = fence.Get(l.Candidates + "/" + name)
	}
	var all []Member
	for i, reply := range session.DoAll(ctx, reads) {
		switch {
		case errors.Is(reply.Err, zkapi.ErrNoNode):
		case reply.Err != nil:
			return nil, reply.Err
		case reply.Result.Stat.Alive():
			all = append(all, Member{Name: string(reply.Result.Data), Session: reply.Result.Stat.EphemeralOwner, znode: names[i]})
		}
	}
	return all, nil
}

// target is the first of several candidates that has that name, or any name if it is empty, and is not
// on this session.
func target(all []Member, name string, not int64) (Member, bool) {
	i := slices.IndexFunc(all, func(m Member) bool { return m.Session != not && (name == "" || m.Name == name) })
	if i < 0 {
		return Member{}, false
	}
	return all[i], true
}

// heldBack is for how long a candidate leaves the lock to the target of a failover.
type heldBack struct {
	epoch int32        // of the accepted request
	over  zkapi.Source // fires when it has been long enough
}

// hold returns what to wait for before this candidate takes the lock, because a failover has given
// it to another one, which is there. state is what the caller depends on.
func (t *tenure) hold(ctx context.Context, now zkapi.Stat, state any) ([]zkapi.Source, error) {
	zkapi.Checkpoint(t.env, "look at a request", ctx, now.Version, state)
	r, watch, err := t.config.Layout.readRequest(ctx, t.session)
	if err != nil || r == nil || r.Epoch == 0 || r.Epoch != now.Version || r.Candidate == t.znode {
		return nil, err
	}
	if t.held.epoch != r.Epoch {
		t.held = heldBack{r.Epoch, t.env.Timer(t.config.Grace)}
	}
	if t.held.over.Fired() {
		return nil, nil
	}
	zkapi.Checkpoint(t.env, "look at the target", ctx, now.Version, r, watch, state)
	seen, err := fence.Look(ctx, t.session, fence.Exists(t.config.Layout.Candidates+"/"+r.Candidate).Watched())
	if err != nil || !seen.Found || !seen.Stat.Alive() {
		return nil, err
	}
	t.obs.Logger.InfoContext(ctx, "holding back for the target of a failover", "to", r.To, "epoch", r.Epoch)
	return []zkapi.Source{watch, seen.Watch, t.held.over}, nil
}
