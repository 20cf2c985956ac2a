package workload

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/subject/subjecttest"
)

// granted are the calls that got a token: those that take the lease, or enter the double barrier.
func granted(t *testing.T, calls []record.Operation, verb string) (got []record.Operation) {
	for _, c := range calls {
		asked, err := record.OwnData[history.Asked](c.Invoke)
		if err != nil {
			t.Fatal(err)
		}
		if asked.Verb == verb && c.Outcome() == record.OK {
			got = append(got, c)
		}
	}
	return got
}

// TestPlay_NoTokenComesAgainAfterARestore: the ensemble is restored again and again under the load of a run. What was asked for when another user had a token has a greater one, whatever
// lies between.
func TestPlay_NoTokenComesAgainAfterARestore(t *testing.T) {
	run := subject.Run{Counts: map[string]int{User: 3}, Rate: 2 * 3 * float64(len(loops)), SessionTimeout: 4 * time.Second}
	calls := record.Operations(subjecttest.Restored(t, New(), run, 12*time.Second), history.Call)
	for verb, least := range map[string]int{history.Take: 30, history.Enter: 30} {
		got, lifted := granted(t, calls, verb), 0
		for _, a := range got {
			token := a.Done.Token().Epoch
			if token > 1000 {
				lifted++
			}
			for _, b := range got {
				if b.Invoke.At > a.Done.At && b.Done.Token().Epoch <= token {
					t.Fatalf("%s: %s got token %d, and then %s token %d", verb, a.Invoke.Process, token, b.Invoke.Process, b.Done.Token().Epoch)
				}
			}
		}
		if len(got) < least || lifted < least/2 {
			t.Errorf("%s: %d tokens, %d of them beyond those of before a restore", verb, len(got), lifted)
		}
		t.Logf("%s: %d tokens, %d of them beyond those of before a restore", verb, len(got), lifted)
	}
}
