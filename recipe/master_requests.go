package recipe

import (
	"errors"
	"maps"
	"slices"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// readRequests lists the tasks that clients want to be removed. It is called when the
// bell has been rung, which each request does.
func (r *reconciler) readRequests() error {
	r.requested = false
	all := subject{noticeSubject, r.layout.requests()}
	if r.quarantine.holds(all) {
		return nil
	}
	listed, err := r.do(zkapi.Children(r.layout.requests()))
	switch {
	case zkapi.Refused(err): // who asks waits; nothing else depends on it
		r.quarantine.bar(r.term.leading, all, err, true)
		return nil
	case errors.Is(err, zkapi.ErrNoNode): // it was made by an earlier build
	case err != nil:
		return err
	}
	r.quarantine.worked(r.term.leading, all, true)
	r.requested = true
	clear(r.view.asked)
	r.vanished(requestSubject, func(t string) bool { return slices.Contains(listed.Children, t) })
	for _, t := range listed.Children {
		if s := (subject{requestSubject, t}); !r.fits(s) || r.quarantine.holds(s) {
			continue
		}
		if r.quarantine.bars(t) {
			r.quarantine.entries[subject{taskSubject, t}].asked = true
			continue
		}
		r.view.asked[t] = true
		if task := r.view.tasks[t]; task != nil && task.phase != finished {
			r.view.dirty[t] = true // its status is older than the request
		}
	}
	return nil
}

// asked settles what clients have asked for: a finished task goes when no inbox holds it
// any more. Nobody but this master puts it into one.
func (d *decider) asked() {
	for _, t := range slices.Sorted(maps.Keys(d.view.asked)) {
		switch task := d.view.tasks[t]; {
		case task == nil:
			d.add(transition{action: dropRequest, task: t})
		case task.phase == unread || d.view.dirty[t]:
		case task.phase != finished:
			d.add(transition{action: dropRequest, task: t}) // it was meant for an earlier task of that name
		case task.leftover != nil && !d.view.held(t):
			d.add(transition{action: collectTask, task: t})
		}
	}
}
