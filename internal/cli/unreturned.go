package cli

import (
	"errors"
	"os"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/shell"
	"github.com/ringmaster-zk/ringmaster/recipe"
)

// Unreturned is the option --unreturned. It implements pflag.Value.
type Unreturned struct {
	text   string
	policy recipe.Unreturned
}

var errUnreturned = errors.New("write wait, abandon:TIME or end:TIME, with a time greater than 0 such as 30s")

// Set implements pflag.Value.
func (u *Unreturned) Set(text string) error {
	what, after, timed := strings.Cut(text, ":")
	var policy recipe.Unreturned
	if timed {
		var err error
		if policy.After, err = time.ParseDuration(after); err != nil || policy.After <= 0 {
			return errUnreturned
		}
	}
	switch {
	case what == "wait" && !timed:
	case what == "abandon" && timed:
	case what == "end" && timed:
		policy.End = endProcess
	default:
		return errUnreturned
	}
	u.text, u.policy = text, policy
	return nil
}

// String implements pflag.Value.
func (u *Unreturned) String() string {
	if u.text == "" {
		return "wait"
	}
	return u.text
}

// Type implements pflag.Value.
func (u *Unreturned) Type() string { return "policy" }

// endProcess ends the process with all its commands, because a handler did not return
// when it was told to. A service manager starts it again.
func endProcess(reason error) {
	printf(os.Stderr, "ringmaster: this process ends itself: %s\n", sentence(reason.Error()))
	shell.KillAll()
	os.Exit(int(exit.Failed))
}
