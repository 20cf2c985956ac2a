package cli

import (
	"context"
	"errors"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
)

// TestMessage_IsForWhoHasTypedTheCommand: it names flags, not fields of the library; it names
// the command once; and it is one safe line.
func TestMessage_IsForWhoHasTypedTheCommand(t *testing.T) {
	_, master := recipe.NewMaster(&zk.Env{}, recipe.MasterConfig{Name: "m", MaxAttempts: -1})
	_, worker := recipe.NewWorker(&zk.Env{}, recipe.WorkerConfig{Name: "MaxAttempts/x", Handler: func(context.Context, recipe.Task) (recipe.Result, error) { return nil, nil }})
	_, takes := queue.New(&zk.Env{}, "/q", queue.Config{MaxTakes: -1})
	for want, err := range map[string]error{
		"": errTask,
		"ringmaster: --max-attempts -1 must not be negative":                                                              exit.With(exit.WrongUse, master),
		`ringmaster: worker name "MaxAttempts/x": use letters, digits and _ . : - only, and begin with a letter or digit`: exit.With(exit.WrongUse, worker),
		"ringmaster: --max-takes is -1: use 0 for no limit, or 1 to 1000":                                                 exit.With(exit.WrongUse, takes),
		"ringmaster submit: unknown flag: --x":                                                                            exit.Misuse("ringmaster submit: unknown flag: --x"),
		`ringmaster: unknown command; see \x1b`:                                                                           exit.Misuse("ringmaster: unknown command\n\n\tsee \x1b\n"),
		"ringmaster: a recipe: Timeout; b":                                                                                errors.Join(errors.New("a recipe: Timeout"), errors.New("b")),
	} {
		if got := Message(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
