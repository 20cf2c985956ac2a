package decide

import (
	"fmt"
	"testing"
	"time"
)

// TestView_TouchedTasksAreBounded: a master whose passes all fail touches all tasks in each of
// them, and takes none.
func TestView_TouchedTasksAreBounded(t *testing.T) {
	const tasks, passes = 100, 1000
	v := NewView()
	for range passes {
		for n := range tasks {
			v.SetPhase(fmt.Sprint("t", n), Unread, time.Time{})
		}
	}
	if have := len(v.index.touched); have > 2*tasks+spareTouches {
		t.Errorf("the view remembers %d names of %d tasks", have, tasks)
	}
	for n := range tasks {
		v.SetPhase(fmt.Sprint("t", n), Pending, time.Time{})
	}
	if _, taken := v.TakeTouched(); len(taken) != tasks {
		t.Errorf("%d tasks were taken, not %d", len(taken), tasks)
	}
	if len(v.touchedTasks) > 0 {
		t.Errorf("%d are left", len(v.touchedTasks))
	}
}
