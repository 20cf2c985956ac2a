package workload

import (
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/queue/history"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/subject/subjecttest"
)

// TestDrained_DelaysAndBuries: of the items that a producer puts when it drains, one is delayed, one is
// taken as often as any may be, by several consumers, and the others are consumed.
func TestDrained_DelaysAndBuries(t *testing.T) {
	run := subject.Run{Seed: 1, Counts: map[string]int{Producer: 1, Consumer: 3}, Rate: 20, SessionTimeout: 4 * time.Second}
	events := subjecttest.Drained(t, New(), run)
	delayed, takes, takers, consumed := 0, map[string]int{}, map[string]map[string]bool{}, 0
	for _, e := range events {
		switch {
		case e.Type != record.OK:
		case e.Kind == history.Put && strings.HasPrefix(e.Object(), in(history.Delayed)+"/"):
			delayed++
		case e.Kind == history.Take:
			takes[e.ID()]++
			if takers[e.ID()] == nil {
				takers[e.ID()] = map[string]bool{}
			}
			takers[e.ID()][e.Process] = true
		case e.Kind == history.Ack:
			consumed++
		}
	}
	buried, shared := 0, 0
	for id, n := range takes {
		if n == maxTakes {
			buried++
		}
		if len(takers[id]) > 1 {
			shared++
		}
	}
	if delayed == 0 || buried == 0 || shared == 0 || consumed == 0 {
		t.Errorf("%d delayed, %d taken as often as any may be, %d by several consumers, %d consumed", delayed, buried, shared, consumed)
	}
}
