package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// unread is standard input that a test must not read: a terminal would wait for a person.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("standard input was read")
	return 0, bytes.ErrTooLarge
}

// TestSubmission_ChecksTheOptionsFirst: wrong use is told before the payload is read.
func TestSubmission_ChecksTheOptionsFirst(t *testing.T) {
	o := &Options{Servers: []string{"zk1:x"}, SessionTimeout: 1, LogLevel: "info"}
	err := (&Submission{}).Run(t.Context(), o, Streams{In: unread{t}, Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}, nil)
	if !exit.Given(err, exit.WrongUse) || !strings.Contains(err.Error(), `"x" is no port`) {
		t.Error(err)
	}
}
