package peers

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/owner"
)

// Place is a folder in which servers and programs run. A Place has one user at a time.
type Place struct {
	// Folder is on the disk that Open was asked for, if Near.
	Folder string
	Near   bool

	servers *syscall.Credential // whom servers run as; nil for this process's own user
	started int                 // processes, so that each has files of its own
	program string              // for River and asynq, when it is built
	kazoo   string              // the program for kazoo
	curator string              // the class for Curator
	classes string              // the class path of that, when it is compiled
}

// Open makes a place, on the disk of the folder near if there is a folder for temporary
// files, and removes those whose process died before it could. Close removes it.
func Open(near string) (*Place, error) { return open([]string{os.TempDir(), "/var/tmp"}, near) }

func open(parents []string, near string) (*Place, error) {
	at, found := parents[0], false
	for _, parent := range parents {
		removeLeftovers(parent)
		if !found && sameDisk(parent, near) {
			at, found = parent, true
		}
	}
	folder, err := os.MkdirTemp(at, prefix+owner.Self().String()+"-*")
	if err != nil {
		return nil, err
	}
	p := &Place{Folder: folder, Near: found}
	if os.Getuid() == 0 { // PostgreSQL refuses to be root, and Redis has no need to
		p.servers = leastUser()
	}
	return p, os.Chmod(folder, 0o711) // that user passes through it
}

// prefix begins the name of the folder. The owner.ID of its process follows, and a number.
const prefix = "ringmaster-peers-"

// sameDisk reports whether two folders are on one file system.
func sameDisk(a, b string) bool {
	var one, other syscall.Stat_t
	return syscall.Stat(a, &one) == nil && syscall.Stat(b, &other) == nil && one.Dev == other.Dev
}

// leastUser is the user for servers that a process of root starts.
func leastUser() *syscall.Credential {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUser := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGroup := strconv.ParseUint(u.Gid, 10, 32)
		if errUser == nil && errGroup == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil
}

// dataFolder makes an empty folder for the data of a server.
func (p *Place) dataFolder(name string) (string, error) {
	dir := filepath.Join(p.Folder, name)
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil || p.servers == nil {
		return dir, err
	}
	return dir, os.Chown(dir, int(p.servers.Uid), int(p.servers.Gid))
}

// Close removes the folder. The servers and programs have ended when Measure has returned.
func (p *Place) Close() error { return os.RemoveAll(p.Folder) }

// removeLeftovers ends the processes of places whose owner has died, and removes the folders.
// It touches no place of another user. What cannot be removed stays for the next time.
func removeLeftovers(parent string) {
	found, _ := filepath.Glob(filepath.Join(parent, prefix+"*")) // the pattern is well formed
	for _, folder := range found {
		id, ok := ownerOf(folder)
		about, err := os.Lstat(folder)
		if !ok || err != nil || !about.IsDir() || id.Alive() {
			continue
		}
		if stat, ok := about.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Getuid() {
			continue
		}
		if endAll(folder) {
			_ = os.RemoveAll(folder)
		}
	}
}

// ownerOf reads the name of a place's folder.
func ownerOf(folder string) (owner.ID, bool) {
	name, ok := strings.CutPrefix(filepath.Base(folder), prefix)
	end := strings.LastIndex(name, "-")
	if !ok || end < 0 {
		return owner.ID{}, false
	}
	id, err := owner.Parse(name[:end])
	return id, err == nil
}

// endAll ends the processes of a place, and reports whether they have ended. They may leave in
// order; then they are killed with their children.
func endAll(folder string) bool {
	const patience = 5 * time.Second
	noted := processesOf(folder)
	for _, pid := range noted {
		_ = syscall.Kill(pid, syscall.SIGQUIT) // it may have ended meanwhile
	}
	allEnded(folder, patience)
	for _, pid := range noted {
		_ = syscall.Kill(-pid, syscall.SIGKILL) // its group
	}
	return allEnded(folder, patience)
}

// allEnded waits until no process of a place runs, and reports whether that is so in time.
func allEnded(folder string, patience time.Duration) bool {
	over := time.After(patience)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for len(processesOf(folder)) > 0 {
		select {
		case <-look.C:
		case <-over:
			return false
		}
	}
	return true
}

// processesOf are the processes of a place that run: those that it has noted. A number may
// have been used again, so the process must also work in that folder.
func processesOf(folder string) (running []int) {
	noted, _ := filepath.Glob(filepath.Join(folder, "*.pid")) // the pattern is well formed
	for _, file := range noted {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			continue
		}
		in, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
		if err == nil && (in == folder || strings.HasPrefix(in, folder+string(filepath.Separator))) {
			running = append(running, pid)
		}
	}
	return running
}
