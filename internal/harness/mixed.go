package harness

import (
	"debug/buildinfo"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime/debug"

	"github.com/ringmaster-zk/ringmaster/record"
)

// otherBuild checks that a file is the same command as this one, and finds the sources
// that it was built from.
func otherBuild(path string) (record.Build, error) {
	remedy := func(what any) (record.Build, error) {
		return record.Build{}, fmt.Errorf("--mixed %s: %v; give the path of another build of torture", path, what)
	}
	file, err := record.OpenRegular(path)
	if err != nil {
		return remedy(err)
	}
	defer file.Close()
	info, err := buildinfo.Read(file)
	if err != nil {
		return remedy(err)
	}
	if own, known := debug.ReadBuildInfo(); known && info.Path != own.Path {
		return remedy(fmt.Sprintf("the command was built from %s", info.Path))
	}
	if path, err = filepath.Abs(path); err != nil {
		return remedy(err)
	}
	// This finds now that a command cannot be executed here, or is not a torture command.
	if printed, err := exec.Command(path, "participant", "--help").CombinedOutput(); err != nil {
		return remedy(fmt.Sprintf("the command cannot run participants: %v: %s", err, printed))
	}
	b := record.Build{Path: path, Commit: "unknown"}
	b.Commit, b.Dirty = revision(info)
	return b, nil
}

// isOther reports whether a participant runs the other build: every second one of each
// role does.
func (c Config) isOther(number int) bool { return c.Mixed != "" && number%2 == 0 }

// builds says which participant runs which build; nil if all run the same.
func (c Setup) builds(own, other record.Build) record.Builds {
	if c.Mixed == "" {
		return nil
	}
	for _, group := range c.groups() {
		for i := range group.count {
			of := &own
			if c.isOther(i + 1) {
				of = &other
			}
			of.Participants = append(of.Participants, named(group.role, i+1))
		}
	}
	return record.Builds{own, other}
}
