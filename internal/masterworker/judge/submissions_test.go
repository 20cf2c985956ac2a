package judge

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/checkertest"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/synthetic"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// TestNoPhantomTask_HoldsWhatSubmitSaid: a client that was told that its submission made the
// task has a write that can have made it, one for each such answer.
func TestNoPhantomTask_HoldsWhatSubmitSaid(t *testing.T) {
	for _, c := range []struct {
		name  string
		plant func(run *record.Run, done *record.Event) // of the last submission that was accepted
		want  string
	}{
		{"as it was", func(*record.Run, *record.Event) {}, ""},
		{"an older run does not say who made the task", func(_ *record.Run, done *record.Event) {
			recordtest.Change(done, func(s *record.Submission) { s.Created = false })
		}, ""},
		{"the task was found", func(_ *record.Run, done *record.Event) {
			recordtest.Change(done, func(s *record.Submission) { s.Created, s.Found, s.InDoubt = false, true, true })
		}, ""},
		{"two answers and one write", func(run *record.Run, done *record.Event) {
			again := *done
			again.Op, again.Seq = 1<<40, len(run.Events)+1
			call := again
			call.Type, call.Of = record.Invoke, record.Submission{ID: again.ID()}
			again.Seq++
			run.Events = append(run.Events, call, again)
		}, "client-1 was told 2 times that its submission made task-00000040-client-1, but at most 1 of its writes made it."},
		{"another life has made it", func(run *record.Run, done *record.Event) {
			for i := range run.Events {
				if e := &run.Events[i]; e.Kind == record.Submit && e.Op == done.Op && e.Process == done.Process {
					e.Life++
				}
			}
		}, "client-1 was told 1 times that its submission made task-00000040-client-1, but at most 0 of its writes made it."},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := synthetic.Run(1, 40).Run()
			var done *record.Event
			for i := range run.Events {
				if e := &run.Events[i]; e.Kind == record.Submit && e.Type == record.OK {
					done = e
				}
			}
			c.plant(&run, done)
			p := checkertest.Property(t, check(run), "NoPhantomTask")
			if (p.Verdict == checker.Valid) != (c.want == "") || c.want != "" && p.Reason != c.want {
				t.Errorf("%s: %s", p.Verdict, p.Reason)
			}
		})
	}
}
