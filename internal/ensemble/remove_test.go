package ensemble

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
)

// TestGone_WaitsForTheRemovalOfAnother: what another process removes at the same time is no
// failure, and it is gone when gone returns. A refusal that stays is one, after a while.
func TestGone_WaitsForTheRemovalOfAnother(t *testing.T) {
	refused := errors.New("the engine is broken")
	conflict := fmt.Errorf("removal of container zk1 is already in progress: %w", errdefs.ErrConflict)
	inUse := fmt.Errorf("network has active endpoints: %w", errdefs.ErrPermissionDenied)
	for name, c := range map[string]struct {
		answers []error // the last one is repeated
		mine    bool
		err     error
		tries   int
	}{
		"removed":                  {[]error{nil}, true, nil, 1},
		"gone before":              {[]error{errdefs.ErrNotFound}, false, nil, 1},
		"another process removes":  {[]error{conflict, conflict, errdefs.ErrNotFound}, false, nil, 3},
		"in use for a while":       {[]error{inUse, nil}, true, nil, 2},
		"another failure":          {[]error{refused}, false, refused, 1},
		"refused for good":         {[]error{conflict}, false, errdefs.ErrConflict, int(removePatience/pollInterval) + 1},
		"a network that is in use": {[]error{inUse}, false, errdefs.ErrPermissionDenied, int(removePatience/pollInterval) + 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, tries := time.Now(), 0
				mine, err := gone(t.Context(), func() error {
					tries++
					return c.answers[min(tries, len(c.answers))-1]
				})
				if mine != c.mine || !errors.Is(err, c.err) || tries < c.tries-1 || tries > c.tries {
					t.Errorf("%v, %v after %d tries", mine, err, tries)
				}
				if took := time.Since(began); took > removePatience {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}
