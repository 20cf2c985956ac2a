// Package checkertest reads verdicts in the tests of every recipe's judges.
package checkertest

import (
	"slices"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
)

// Property is the property of that name. The test fails at once if the result has none.
func Property(t testing.TB, r *checker.Result, name string) checker.Property {
	t.Helper()
	i := slices.IndexFunc(r.Properties, func(p checker.Property) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("there is no property %s", name)
	}
	return r.Properties[i]
}
