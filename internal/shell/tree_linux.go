package shell

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// process is one of the system.
type process struct {
	pid, parent, group int
	name               string
}

func (p process) String() string { return fmt.Sprintf("%d (%s)", p.pid, p.name) }

// reap takes leave of all children that have ended. It returns how the command has
// ended, if it was among them, and whether there is no child left.
func reap(command int) (status *syscall.WaitStatus, alone bool) {
	for {
		var s syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &s, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.ECHILD):
			return status, true
		case err != nil || pid == 0:
			return status, false
		case pid == command:
			status = &s
		}
	}
}

// descendants are the processes below this one, without those that have ended.
func descendants() []process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	children := map[int][]process{}
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			if p, ok := look(pid); ok {
				children[p.parent] = append(children[p.parent], p)
			}
		}
	}
	var all []process
	for next := children[os.Getpid()]; len(next) > 0; {
		p := next[0]
		next = append(next[1:], children[p.pid]...)
		all = append(all, p)
	}
	return all
}

// look reads the state of a live process from /proc.
func look(pid int) (process, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, false
	}
	// The name, in parentheses, may hold anything; fields follow it.
	text := string(stat)
	begin, end := strings.Index(text, "("), strings.LastIndex(text, ")")
	if begin < 0 || end < begin {
		return process{}, false
	}
	fields := strings.Fields(text[end+1:])
	const threads = 17
	if len(fields) <= threads || fields[0] == "X" || fields[0] == "Z" && fields[threads] <= "1" {
		return process{}, false // a zombie whose other threads go on lives
	}
	parent, _ := strconv.Atoi(fields[1])
	group, _ := strconv.Atoi(fields[2])
	return process{pid: pid, parent: parent, group: group, name: text[begin+1 : end]}, true
}
