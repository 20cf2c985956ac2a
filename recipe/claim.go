package recipe

import (
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
)

// ErrFenced means that another process holds the claim now: a later master was elected, or a
// later process registered under the worker's name. The write was not applied.
var ErrFenced = term.ErrFenced

// claim is the claim of a master or a worker.
type claim struct {
	term.Claim
	afterRetiring bool // the previous holder has said that it takes no more tasks
}
