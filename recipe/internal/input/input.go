// Package input checks what a caller gives to a recipe, and says what is wrong with it.
package input

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrInvalid is the ErrInvalid of every recipe.
var ErrInvalid = errors.New("invalid input")

// invalid is an ErrInvalid whose text is the reason alone.
type invalid struct{ text string }

// Error implements error.
func (e invalid) Error() string { return e.text }

// Is reports whether target is ErrInvalid.
func (e invalid) Is(target error) bool { return target == ErrInvalid }

// Invalid is an ErrInvalid that names a recipe and the reason.
func Invalid(recipe, format string, args ...any) error {
	return invalid{recipe + ": " + fmt.Sprintf(format, args...)}
}

// CheckPath checks the path of a recipe's znode. example is a right one, for the error.
func CheckPath(recipe, path, example string) error {
	const own = "/zookeeper"
	switch err := zkapi.CheckPath(path); {
	case err != nil:
		return Invalid(recipe, "path %q: %v: write an absolute path without a trailing slash, such as %s", path, err, example)
	case path == "/" || path == own || strings.HasPrefix(path, own+"/"):
		return Invalid(recipe, "path %q belongs to ZooKeeper itself: write another path, such as %s", path, example)
	}
	return nil
}

// CheckOps checks the ops of a fenced write, such as Held.Write. They are creates, sets, deletes and
// checks. The znodes of the recipe, at the paths own and below them, may be checked and not changed.
// The error has the index of the op, and says that nothing was applied.
func CheckOps(recipe, method string, ops []zkapi.Op, own ...string) error {
	for i, op := range ops {
		if why := foreign(op, own); why != "" {
			return &zkapi.Error{Kind: zkapi.KindMulti, Path: op.Path, Index: i, Fate: zkapi.NotApplied, Err: Invalid(recipe, "%s: %s", method, why)}
		}
	}
	return nil
}

// foreign returns why an op is not for a fenced write.
func foreign(op zkapi.Op, own []string) (why string) {
	switch op.Kind {
	case zkapi.KindCheck:
		return ""
	case zkapi.KindCreate, zkapi.KindSet, zkapi.KindDelete:
	default:
		return fmt.Sprintf("%v: use zkapi.Create, Set, Delete and Check", op.Kind)
	}
	if slices.ContainsFunc(own, func(p string) bool { return op.Path == p || strings.HasPrefix(op.Path, p+"/") }) {
		return fmt.Sprintf("%v %s: that znode belongs to the recipe: use another name", op.Kind, observe.Clip(op.Path))
	}
	return ""
}
