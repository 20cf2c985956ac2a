package zk

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestEnv_WaitsForMoreThanASelectTakes: a select of Go takes 65,536 cases.
func TestEnv_WaitsForMoreThanASelectTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := &Env{Server: NewServer(time.Second)}
		signals := make([]zkapi.Signal, 2*zkapi.MostAtOnce+10)
		sources := make([]zkapi.Source, len(signals))
		for i := range signals {
			signals[i] = env.Signal()
			sources[i] = signals[i]
		}
		for _, at := range []int{0, zkapi.MostAtOnce - 1, zkapi.MostAtOnce, len(sources) - 1} {
			time.AfterFunc(time.Second, signals[at].Raise)
			if got, err := env.Wait(t.Context(), sources...); got != at || err != nil {
				t.Errorf("%d was raised: %d, %v", at, got, err)
			}
		}
		signals[1].Raise()
		signals[len(signals)-1].Raise()
		first, _ := env.Wait(t.Context(), sources...)
		second, _ := env.Wait(t.Context(), sources...)
		if first+second != len(signals) {
			t.Errorf("two signals were raised, and the waits returned %d and %d", first, second)
		}
		ended, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if got, err := env.Wait(ended, sources...); got != -1 || !errors.Is(err, context.Canceled) {
			t.Errorf("the context has ended: %d, %v", got, err)
		}
	})
}
