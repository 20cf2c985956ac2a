package torture

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/subject"
)

// recipeIn is the recipe that arguments ask for; empty if they leave it to the default.
func recipeIn(args []string) string {
	for i, a := range args {
		if name, ok := strings.CutPrefix(a, "--recipe="); ok {
			return name
		}
		if a == "--recipe" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

// named is the subject of that name; an empty one is the default.
func (all recipes) named(name string) (subject.Subject, error) {
	at := slices.IndexFunc(all, func(s subject.Subject) bool { return name == "" || s.Name == name })
	if at < 0 {
		var names []string
		for _, s := range all {
			names = append(names, s.Name)
		}
		return subject.Subject{}, fmt.Errorf("--recipe %q: no recipe has that name; there are %s", name, strings.Join(names, ", "))
	}
	return all[at], nil
}
