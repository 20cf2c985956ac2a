package recipe

import (
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// errZero is the error of a role or a client that no New... has made.
var errZero = fmt.Errorf("%w: this value was not made by NewMaster, NewWorker, NewNode or NewClient: use one of these", ErrInvalid)

// checkEnv returns an error for an Env that is nil, or a nil pointer.
func checkEnv(env zkapi.Env) error {
	if sessions.NoEnv(env) {
		return invalid("env is nil: give the result of zkclient.New, or another zkapi.Env")
	}
	return nil
}
