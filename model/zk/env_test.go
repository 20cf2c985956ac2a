package zk

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestEnv_NilIsAnError of a server, and of a source in a wait.
func TestEnv_NilIsAnError(t *testing.T) {
	if _, err := (&Env{}).Open(t.Context()); err == nil {
		t.Error("an Env without a Server opens a session")
	}
	e := &Env{}
	fired := e.Signal()
	fired.Raise()
	for _, sources := range [][]zkapi.Source{{nil}, {nil, fired}} {
		if at, err := e.Wait(t.Context(), sources...); err == nil {
			t.Errorf("a wait for nil and %d others is over with %d", len(sources)-1, at)
		}
	}
}
