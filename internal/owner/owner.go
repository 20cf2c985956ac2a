// Package owner finds leftovers of dead processes. Everything that a run creates
// outside its own process (containers, networks, volumes, participants) carries the
// identity of the process that owns it. A later start removes the things of owners that
// no longer exist, and touches nothing else.
package owner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Flag is the command-line flag that marks a participant, so that it can be
// found in the process table.
const Flag = "--owner="

// ID names one process by its number, its start and its host. The start is needed
// because numbers are used again; the host, because one Docker engine may serve several
// machines or containers, and each sees only its own processes.
type ID struct {
	PID   int
	Start string
	Where string
}

func (id ID) String() string { return fmt.Sprintf("%d_%s_%s", id.PID, id.Start, id.Where) }

// here is this machine or container.
var here = sync.OnceValue(func() string {
	name, _ := os.Hostname()
	namespace, _ := os.Readlink("/proc/self/ns/pid") // empty except on Linux
	sum := sha256.Sum256([]byte(name + namespace))
	return hex.EncodeToString(sum[:6])
})

// Parse reads the output of String.
func Parse(s string) (ID, error) {
	parts := strings.Split(s, "_")
	if len(parts) != 3 {
		return ID{}, fmt.Errorf("owner: %q is not PID_START_WHERE", s)
	}
	pid, err := strconv.Atoi(parts[0])
	if err != nil {
		return ID{}, fmt.Errorf("owner: %q is not PID_START_WHERE", s)
	}
	return ID{PID: pid, Start: parts[1], Where: parts[2]}, nil
}

// Self is the identity of this process.
var Self = sync.OnceValue(func() ID {
	start, _ := startOf(os.Getpid())
	return ID{PID: os.Getpid(), Start: start, Where: here()}
})

// Alive reports whether the process of that identity still runs, as far as this process
// can see. A process from elsewhere counts as alive.
func (id ID) Alive() bool {
	if id.Where != here() {
		return true
	}
	start, ok := startOf(id.PID)
	return ok && start == id.Start
}

// startOf is the start of a process, in the system's own form, without spaces.
func startOf(pid int) (string, bool) {
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
		// The command name, in parentheses, may hold spaces; fields follow it.
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 19 {
			return fields[19], fields[0] != "Z"
		}
	}
	out, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	started := strings.Join(strings.Fields(string(out)), "-")
	return started, err == nil && started != ""
}

// KillOrphans ends every process on this machine that carries the flag of a dead owner,
// even if it is stopped, and returns them.
func KillOrphans() []int {
	var killed []int
	for pid, args := range processes() {
		for _, arg := range args {
			value, marked := strings.CutPrefix(arg, Flag)
			if !marked || pid == os.Getpid() {
				continue
			}
			if id, err := Parse(value); err == nil && !id.Alive() && syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed = append(killed, pid)
			}
		}
	}
	return killed
}

func processes() map[int][]string {
	found := map[int][]string{}
	if entries, err := os.ReadDir("/proc"); err == nil {
		for _, entry := range entries {
			if pid, err := strconv.Atoi(entry.Name()); err == nil {
				line, _ := os.ReadFile("/proc/" + entry.Name() + "/cmdline")
				found[pid] = strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
			}
		}
		return found
	}
	out, _ := exec.Command("ps", "-axo", "pid=,command=").Output()
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		if pid, err := strconv.Atoi(fields[0]); err == nil {
			found[pid] = fields[1:]
		}
	}
	return found
}

// KillOwn ends every process that carries the flag of this one.
func KillOwn() {
	for pid, args := range processes() {
		if slices.Contains(args, Flag+Self().String()) && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended meanwhile
		}
	}
}
