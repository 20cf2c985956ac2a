package ensemble

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// TestUntilFrozen_RepeatsOnlyWhatTheEngineGaveUp: a pause that the engine gave up is repeated a few times. Another
// error is not, and none is when the caller's context has ended.
func TestUntilFrozen_RepeatsOnlyWhatTheEngineGaveUp(t *testing.T) {
	busy, gone := errors.New("OCI runtime pause failed: unable to freeze: unknown"), errors.New("no such container")
	for what, c := range map[string]struct {
		answers []error
		ended   bool
		tries   int
		want    error
	}{
		"at once": {[]error{nil}, false, 1, nil}, "at the third try": {[]error{busy, busy, nil}, false, 3, nil}, "never": {[]error{busy, busy, busy, busy, busy, nil}, false, 5, busy},
		"another error": {[]error{gone, nil}, false, 1, gone}, "its caller has gone": {[]error{busy, nil}, true, 1, busy},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.ended {
				cancel()
			}
			tries := 0
			err := untilFrozen(ctx, func() error { tries++; return c.answers[tries-1] })
			if !errors.Is(err, c.want) || err != nil && c.want == nil || tries != c.tries {
				t.Errorf("%s: %v after %d tries", what, err, tries)
			}
		})
	}
}
