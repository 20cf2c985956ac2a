package recipe

import (
	"errors"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// readRequests lists the tasks that clients want to be removed. It is called when the
// cancellation notice has been set, which each request does.
func (r *reconciler) readRequests() error {
	r.requested = false
	all := subject{noticeSubject, r.layout.requests()}
	if r.quarantine.holds(all) {
		return nil
	}
	listed, err := r.do(fence.Children(r.layout.requests()))
	switch {
	case zkapi.Refused(err): // only the client that asks waits for it
		r.quarantine.add(r.term.Active, all, err, true)
		return nil
	case errors.Is(err, zkapi.ErrNoNode): // it was made by an earlier build
	case err != nil:
		return err
	}
	r.quarantine.worked(r.term.Active, all, true)
	r.vanished(requestSubject, func(t string) bool { return slices.Contains(listed.Children, t) })
	known := r.view.DropRequests()
	var fresh []string
	for _, t := range listed.Children {
		if s := (subject{requestSubject, t}); !r.fits(s) || r.quarantine.holds(s) {
			continue
		}
		if czxid, read := known[t]; read { // only this master takes it down
			r.wants(t, czxid)
		} else {
			fresh = append(fresh, t)
		}
	}
	for some := range slices.Chunk(fresh, maxReads) {
		if err := r.readMeant(some); err != nil {
			return err
		}
	}
	r.requested = true
	return nil
}

// readMeant reads which task each of these requests means.
func (r *reconciler) readMeant(names []string) error {
	ops := make([]fence.Read, len(names))
	for i, t := range names {
		ops[i] = fence.Get(r.layout.request(t))
	}
	for i, reply := range r.doAll(ops) {
		s := subject{requestSubject, names[i]}
		switch {
		case errors.Is(reply.Err, zkapi.ErrNoNode): // it was taken down by hand
		case zkapi.Refused(reply.Err) || zkapi.TooLarge(reply.Err):
			r.quarantineSubject(s, reply.Err, true)
		case reply.Err != nil:
			return reply.Err
		default:
			r.quarantine.worked(r.term.Active, s, true)
			r.wants(s.name, meant(reply.Data))
		}
	}
	return nil
}

// wants records that a client wants a task to be removed. The task is read again if its view
// may be older than the request: if it is not finished yet, or is not the task that the
// request means.
func (r *reconciler) wants(t string, czxid int64) {
	if r.quarantine.holdsTask(t) {
		r.quarantine.entries[subject{taskSubject, t}].asked = true
		return
	}
	r.view.Ask(t, czxid)
	switch task := r.view.Find(t); {
	case task == nil:
	case task.Phase != decide.Finished:
		r.view.MarkDirty(t)
	case czxid != decide.AnyLife && czxid != task.Czxid:
		r.reset(t)
	}
}
