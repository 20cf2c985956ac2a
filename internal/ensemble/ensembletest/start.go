// Package ensembletest gives tests a real ensemble, or says why they are skipped.
package ensembletest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
)

// Required is the environment variable that turns a missing Docker engine into a
// failure. Without it, tests are skipped.
const Required = "RINGMASTER_REQUIRE_DOCKER"

// NeedDocker skips the test if no Docker engine answers, and with go test -short.
func NeedDocker(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skipf("skipped %s: make test runs it, make quick does not", t.Name())
	}
	err := ensemble.Available(t.Context())
	switch {
	case err == nil:
	case os.Getenv(Required) == "1":
		t.Fatalf("%s=1: %v", Required, err)
	default:
		t.Skipf("skipped %s: %v", t.Name(), err)
	}
}

// Start runs an ensemble of that many servers until the test ends.
func Start(t testing.TB, servers int) *ensemble.Ensemble {
	t.Helper()
	return StartWith(t, ensemble.Config{Servers: servers})
}

// StartWith is Start with more options than the number of servers. Image and name are
// fixed; the tick is the profile's, if it has one.
func StartWith(t testing.TB, config ensemble.Config) *ensemble.Ensemble {
	t.Helper()
	NeedDocker(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // building the image included
	defer cancel()
	if _, err := ensemble.RemoveLeftovers(ctx); err != nil {
		t.Fatal(err)
	}
	var err error
	if config.Image, err = ensemble.FindImage(ctx, "", io.Discard); err != nil {
		t.Fatal(err)
	}
	config.TickTime = cmp.Or(config.Profile.Tick, config.TickTime, 500*time.Millisecond)
	config.Run = fmt.Sprintf("test-%d-%d", os.Getpid(), time.Now().UnixNano()%1e9)
	e, err := ensemble.Start(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := e.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return e
}
