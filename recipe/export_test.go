package recipe

import (
	"maps"
	"slices"
)

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
