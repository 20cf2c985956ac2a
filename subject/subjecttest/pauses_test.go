package subjecttest

import (
	"context"
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestBegun_CountsRequestsSessionsAndEvents: a participant that repeats any of them at once begins more
// than is allowed, and one that pauses does not.
func TestBegun_CountsRequestsSessionsAndEvents(t *testing.T) {
	once := map[string]func(context.Context, subject.Participant, zkapi.Session) error{
		"requests": func(ctx context.Context, _ subject.Participant, s zkapi.Session) error {
			_, err := s.Do(ctx, zkapi.Exists("/"))
			return err
		},
		"sessions": func(ctx context.Context, p subject.Participant, _ zkapi.Session) error {
			session, err := p.Env.Open(ctx)
			if err == nil {
				err = session.Close(ctx)
			}
			return err
		},
		"events": func(_ context.Context, p subject.Participant, s zkapi.Session) error {
			if s.Cause() != nil {
				p.Journal.Add(record.Event{Type: record.Note, Kind: record.Heard, Of: record.Leader{}})
			}
			return s.Cause()
		},
	}
	trouble := map[string]string{"requests": "refused", "sessions": "no session", "events": "no session"}
	const most = 1000
	for what, try := range once {
		for _, pauses := range []bool{false, true} {
			work := subject.Workload{Play: func(ctx context.Context, p subject.Participant) error {
				session, err := p.Env.Open(ctx)
				if err != nil {
					return err
				}
				for failures := 1; ctx.Err() == nil; failures++ {
					if err := try(ctx, p, session); err == nil || pauses {
						p.Pause(ctx, failures)
					}
				}
				return context.Cause(ctx)
			}}
			n := begun(t, work, subject.Run{}, "client", troubles[trouble[what]], most)
			if (n > most) == pauses || pauses && n < 25 {
				t.Errorf("%s: pauses is %v, and it began %d things", what, pauses, n)
			}
		}
	}
}
