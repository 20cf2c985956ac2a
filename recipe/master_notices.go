package recipe

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// notice is a znode in which the active master publishes something: the bound of the backlog,
// or the quarantined subjects. Only a master may write it. With an Access, the ACL enforces
// that. Besides, each notice has the epoch of its master; the master that leads watches the
// znode and writes it again if another client has changed it.
type notice struct {
	path  string
	found []byte       // as it was read or written last; empty for none
	watch zkapi.Source // nil: it is to be read
	at    time.Time    // when it was written last
}

// noticeInterval is how often a notice is written at most.
const noticeInterval = 250 * time.Millisecond

// writeNotices writes the notices whose content has changed, or that another client has changed. A
// refusal of the server is reported, and ends nothing.
func (r *reconciler) writeNotices(p *decide.Plan) error {
	for _, one := range []struct {
		notice *notice
		data   []byte
	}{{&r.backlog, r.backlogNotice()}, {&r.left, r.quarantineNotice()}} {
		about := subject{noticeSubject, one.notice.path}
		if r.quarantine.holds(about) {
			continue
		}
		err := r.show(one.notice, one.data, p)
		if zkapi.Refused(err) || zkapi.TooLarge(err) || errors.Is(err, zkapi.ErrNotEmpty) { // no master has made the znodes below it
			until := r.quarantine.add(r.term.Active, about, err, false).until
			p.WakeAt(until)
			continue
		}
		if err != nil {
			return err
		}
		r.quarantine.worked(r.term.Active, about, false)
	}
	return nil
}

// show writes data into a notice; nil empties it, and does not create it.
func (r *reconciler) show(n *notice, data []byte, p *decide.Plan) error {
	if !fresh(n.watch) {
		if err := r.readNotice(n); err != nil {
			return err
		}
	}
	if bytes.Equal(n.found, data) {
		return nil
	}
	if next := n.at.Add(noticeInterval); next.After(r.now()) {
		p.WakeAt(next)
		return nil
	}
	n.at = r.now()
	err := r.writeNotice(n, data)
	if err == nil {
		n.found = data
	}
	return err
}

// readNotice reads a notice. If it cannot be decoded, another client wrote it.
func (r *reconciler) readNotice(n *notice) error {
	seen, err := fence.Look(r.term.Active, r.term.Session, fence.Exists(n.path).Watched())
	if errors.Is(err, zkapi.ErrNoAuth) {
		n.found, n.watch = foreign, nil
		return nil
	}
	if err != nil {
		return err
	}
	n.found, n.watch = nil, seen.Watch
	if !seen.Found || seen.Stat.DataLength == 0 {
		return nil
	}
	got, err := r.do(fence.Get(n.path))
	switch {
	case errors.Is(err, zkapi.ErrNoAuth):
		n.found = foreign
	case errors.Is(err, zkapi.ErrNoNode):
	case err != nil:
		return err
	default:
		n.found = got.Data
	}
	return nil
}

// foreign stands for a notice that this master may not read.
var foreign = []byte("\x00")

// writeNotice sets a notice. If the notice's ACL is not a master's, it deletes and creates
// the notice, because a master may create and delete in the namespace.
func (r *reconciler) writeNotice(n *notice, data []byte) error {
	create := zkapi.Create(n.path, data, zkapi.Persistent).WithACL(r.layout.access.master())
	err := r.term.Write(zkapi.Set(n.path, data, zkapi.AnyVersion))
	switch {
	case errors.Is(err, zkapi.ErrNoNode):
		return r.term.Write(create)
	case errors.Is(err, zkapi.ErrNoAuth):
		return r.term.Write(zkapi.Delete(n.path, zkapi.AnyVersion), create)
	}
	return err
}

// backlogRecord is the data of /backlog, from which a client computes whether there are too
// many tasks. It is empty if there is no bound.
type backlogRecord struct {
	Epoch    int32 `json:"epoch"`    // of the master that wrote it
	Limit    int   `json:"limit"`    // of tasks without a status
	Finished int   `json:"finished"` // tasks that have one and are still there
}

// backlogNotice has the number of finished tasks, so that clients can count the unfinished
// ones (Submit).
func (r *reconciler) backlogNotice() []byte {
	if r.policy.backlog == 0 {
		return nil
	}
	return encode(backlogRecord{Epoch: r.term.epoch(), Limit: r.policy.backlog, Finished: r.view.Counts[decide.Finished]})
}

// quarantineRecord is the data of /quarantine: the quarantined subjects. It is empty if there
// are none.
type quarantineRecord struct {
	Epoch int32           `json:"epoch"`
	Left  []quarantineRow `json:"left"`
	More  int             `json:"more,omitempty"` // that are not listed
}

type quarantineRow struct {
	Kind    string    `json:"kind"`
	Name    string    `json:"name"`
	Reason  string    `json:"reason"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until,omitzero"`
	Refused int       `json:"refused"`
}

// quarantineRows bounds the list in /quarantine.
const quarantineRows = 50

// quarantineNotice lists the quarantined subjects for operators.
func (r *reconciler) quarantineNotice() []byte {
	all := r.quarantine.list()
	if len(all) == 0 {
		return nil
	}
	record := quarantineRecord{Epoch: r.term.epoch()}
	size := 0
	for _, one := range all[:min(len(all), quarantineRows)] {
		row := quarantineRow{one.Kind, brief(one.Name), one.Reason, one.Since.UTC(), one.Retry.UTC(), one.Refused}
		if size += len(encode(row)); size > r.bounds.most/2 {
			break
		}
		record.Left = append(record.Left, row)
	}
	record.More = len(all) - len(record.Left)
	return encode(record)
}

// fromMaster reports whether a master wrote a notice: its epoch is that of a master, and
// latest is the epoch of the last one.
func fromMaster(epoch, latest int32) bool { return epoch > 0 && epoch <= latest }

// bound decodes /backlog; it returns false if no master has written it.
func bound(data []byte, latest int32) (backlogRecord, bool) {
	var record backlogRecord
	err := json.Unmarshal(data, &record)
	if err != nil || !fromMaster(record.Epoch, latest) || record.Limit < 0 || record.Finished < 0 {
		return record, false
	}
	return record, true
}

// notFromMaster is the problem of a notice that no master has written.
func notFromMaster(path string) Problem {
	return Problem{Path: path, What: "was not written by a master: its data is ignored, and the active master writes it again", Remedy: "set " + path + ` ""`}
}
