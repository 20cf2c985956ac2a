package main

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/build"
)

// version says which build this is.
func version() string {
	info, _ := debug.ReadBuildInfo()
	return versionOf(info)
}

// versionOf is the version of the module, the commit that was built, if the build knows it,
// and the version of Go.
func versionOf(info *debug.BuildInfo) string {
	if info == nil {
		return "unknown " + runtime.Version()
	}
	parts := []string{cmp.Or(info.Main.Version, "(devel)")}
	commit, changed := build.Revision(info)
	if commit != "" {
		parts = append(parts, "commit "+commit)
	}
	if changed {
		parts = append(parts, "with changes")
	}
	return strings.Join(append(parts, info.GoVersion), ", ")
}
