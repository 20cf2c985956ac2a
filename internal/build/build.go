// Package build says which sources a program was built from.
package build

import "runtime/debug"

// Revision is the commit that a program was built from, and whether the sources had
// changed since. The commit is empty if the build does not know it.
func Revision(info *debug.BuildInfo) (commit string, changed bool) {
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value
		case "vcs.modified":
			changed = s.Value == "true"
		}
	}
	return commit, changed
}
