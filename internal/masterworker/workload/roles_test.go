package workload

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// TestPolicy_IsTheOneOfBefore: a run whose config.json tells of no policy is judged by
// the one that participants have had since then. Who changes a constant of participants
// changes this test, and leaves [record.FirstPolicy] as it is.
func TestPolicy_IsTheOneOfBefore(t *testing.T) {
	first := record.FirstPolicy()
	first.Version = record.PolicyVersion
	if got := policy(subject.Run{Seed: 1}); got != first {
		t.Errorf("got  %+v\nwant %+v", got, first)
	}
	if got := policy(subject.Run{Seed: 2}).Retention; got <= first.Retention {
		t.Errorf("the longer retention is %v", got)
	}
}

// TestRoles_Settings: the clients share the rate, and every worker gets a resident task if
// some workers do nothing else.
func TestRoles_Settings(t *testing.T) {
	run := subject.Run{Seed: 2, Rate: 60, Counts: map[string]int{Master: 2, Worker: 3, Node: 2, Client: 3}}
	if got, want := settingsOf(run), (settings{Rate: 20, Retention: retention(2), Residents: 1}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	run.Holders, run.MaxRequest = []string{"worker-2", "worker-3"}, 1<<20
	if got := settingsOf(run); got.Residents*run.Counts[Client] < run.Counts[Worker]+run.Counts[Node] || !slices.Equal(got.Holders, run.Holders) || !got.Large {
		t.Errorf("with holders: %+v", got)
	}
}

// TestPlay_RefusesAnUnknownRole, and options that cannot be read.
func TestPlay_RefusesAnUnknownRole(t *testing.T) {
	for says, p := range map[string]subject.Participant{
		`unknown role "juggler"`: {Role: "juggler", Options: []byte("{}")}, "unexpected end": {Role: Master},
	} {
		if err := play(context.Background(), p); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}
