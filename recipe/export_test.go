package recipe

import (
	"maps"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
)

// Every pass of every master in these tests checks the indexes of its view.
func init() { decide.CheckEachPass = true }

// KnowNewest makes what is created until restore is called a build that knows formats
// up to newest.
func KnowNewest(newest int) (restore func()) {
	before := formats
	formats = nil
	for n := range newest {
		formats = append(formats, struct{ number int }{n + 1})
	}
	return func() { formats = before }
}

// ReasonKinds lists the kinds of reasons that have a sentence.
func ReasonKinds() []ReasonKind { return slices.Sorted(maps.Keys(sentences)) }
