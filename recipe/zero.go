package recipe

import (
	"fmt"
	"reflect"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// errZero is the error of a role or a client that no New... has made.
var errZero = fmt.Errorf("%w: this value was not made by NewMaster, NewWorker, NewNode or NewClient: use one of these", ErrInvalid)

// checkEnv returns an error for an Env that is nil, or a nil pointer.
func checkEnv(env zkapi.Env) error {
	if v := reflect.ValueOf(env); env == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		return invalid("env is nil: give the result of zkclient.New, or another zkapi.Env")
	}
	return nil
}
