package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/claims"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// formats lists the formats of the znodes of a namespace, each with its additions to the
// format before. A build knows all formats up to the last one here. A process writes the
// latest format that it knows into its claim record, so that other processes can rely on it.
//
// A change of a znode that older builds cannot live with gets a line here. Until the
// mark of a namespace says that number, every process writes what the mark says.
var formats = []struct{ number int }{
	{1}, // the znodes that the package's documentation lists
}

// newestFormat is the newest format that this build knows.
func newestFormat() int { return formats[len(formats)-1].number }

// newClaimRecord returns the record that a process of this build writes when it makes or
// renews a claim.
func (l layout) newClaimRecord(env zkapi.Env, session fence.Session, holder string) claimRecord {
	record := claimRecord{Record: claims.NewRecord(env, session, holder), Acks: true}
	if l.newest > 1 {
		record.Format = l.newest
	}
	return record
}

// knows is the newest format that the holder of a claim knows. A record without a format was
// written by a build without formats, or by hand.
func (c claimRecord) knows() int { return max(c.Format, 1) }

// formatRecord is the data of /format, the mark: which format the znodes of this
// namespace may have. Without a mark, or with an empty one, that is 1.
type formatRecord struct {
	Format int    `json:"format"`
	By     string `json:"by,omitempty"` // the master that wrote it
}

// readFormat reads the mark. It fails with zkapi.ErrIncompatible if the mark is above the
// formats of this build. Unreadable data counts as no mark, and so does a hidden znode.
func (l layout) readFormat(ctx context.Context, session fence.Session) (int, error) {
	found, err := fence.Look(ctx, session, fence.Exists(l.format()))
	if err == nil && found.Stat.DataLength > 0 {
		found, err = session.Do(ctx, fence.Get(l.format()))
	}
	if zkapi.Refused(err) || errors.Is(err, zkapi.ErrNoNode) {
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	var mark formatRecord
	_ = json.Unmarshal(found.Data, &mark) // data that is no mark says nothing
	mark.Format = max(mark.Format, 1)
	if mark.Format > l.newest {
		return mark.Format, fmt.Errorf("%w: %s says that the znodes have format %d, but this build knows formats up to %d: "+
			"use a newer build here, or go back with ringmaster master --format-at-most %d of the newer one",
			zkapi.ErrIncompatible, l.format(), mark.Format, l.newest, l.newest)
	}
	return mark.Format, nil
}

// readFormat reads the mark once in a term: only the master that leads changes it.
func (r *reconciler) readFormat() (err error) {
	if r.format == 0 {
		r.format, err = r.layout.readFormat(r.term.Active, r.term.Session)
	}
	return err
}

// maxChecks bounds the claims that one multi checks, which may not be divided. With more live
// workers the format stays as it is.
const maxChecks = 1000

// raiseFormat raises the mark to the newest format that this master and all live
// workers know, or lowers it to what the operator allows.
func (r *reconciler) raiseFormat() error {
	target := r.layout.newest
	if r.policy.format > 0 {
		target = min(target, r.policy.format)
	}
	lower := target < r.format
	if target == r.format {
		return nil // workers do not raise it
	}
	var checks []zkapi.Op
	for _, name := range r.view.WorkerNames() {
		w := r.view.Worker(name)
		if !w.Alive || lower {
			continue
		}
		if !w.Claimed {
			return nil // its claim does not say its format yet
		}
		target = min(target, w.Format)
		checks = append(checks, zkapi.Check(r.layout.inbox(name), w.Incarnation))
	}
	if target == r.format || target < r.format && !lower || len(checks) >= maxChecks {
		return nil
	}
	mark := encode(formatRecord{Format: target, By: r.policy.name})
	err := r.term.Write(append([]zkapi.Op{zkapi.Set(r.layout.format(), mark, zkapi.AnyVersion)}, checks...)...)
	if errors.Is(err, zkapi.ErrNoNode) && zkapi.FailedIndex(err) == 0 {
		create := zkapi.Create(r.layout.format(), mark, zkapi.Persistent).WithACL(r.layout.access.master())
		err = r.term.Write(append([]zkapi.Op{create}, checks...)...)
	}
	if err != nil {
		return err
	}
	r.term.obs.Logger.WarnContext(r.term.Active, "the format of the znodes has changed", "znode", r.layout.format(), "from", r.format, "to", target)
	r.format = target
	return nil
}

// formatProblem says that a worker does not know the format of the znodes: it gets no more
// tasks, as if it retired.
func (l layout) formatProblem(w string, known, format int) Problem {
	return Problem{
		Path:   l.worker(w),
		What:   fmt.Sprintf("belongs to a worker whose build knows formats up to %d, but the znodes have format %d: the worker gets no tasks", known, format),
		Remedy: "start the worker with a newer build",
	}
}
