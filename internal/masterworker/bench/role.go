package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// RoleCommand is the name of the hidden command that runs Role. It also takes a flag that marks
// the process as that of its owner.
const RoleCommand = "bench-role"

// roleConfig is a process of the recipe's own, in which one role runs.
type roleConfig struct {
	Role           string        `json:"role"` // roleMaster or roleWorker
	Name           string        `json:"name"`
	Servers        []string      `json:"servers"`
	SessionTimeout time.Duration `json:"session_timeout"`
}

const (
	roleMaster = "master"
	roleWorker = "worker"
)

// heldPayload is the payload of an ordinary task whose handler, in such a process, does not
// return before the process ends.
var heldPayload = []byte("held")

// askMemory is the line on which such a process says how much memory it has.
const askMemory = "memory"

// said is a line of such a process.
type said struct {
	Held   *int64  `json:"held,omitempty"` // how many handlers do not return yet
	Memory *memory `json:"memory,omitempty"`
}

// memory is what a process has, in bytes. What the system cannot tell is 0.
type memory struct {
	Heap     int64 `json:"heap"`     // alive after a garbage collection
	Before   int64 `json:"before"`   // in use before that, garbage included
	Resident int64 `json:"resident"` // of the system, before that
	Peak     int64 `json:"peak"`     // the most that was resident
}

// Role runs one role until in ends or ctx does. It is the whole of a process that the bench has
// started; config is from there. It answers on out.
func Role(ctx context.Context, config string, in io.Reader, out io.Writer) error {
	c, err := decodeRole(config)
	if err != nil {
		return err
	}
	driver, err := zkclient.New(zkclient.Config{Servers: c.Servers, SessionTimeout: c.SessionTimeout})
	if err != nil {
		return err
	}
	r := &role{out: json.NewEncoder(out), changed: make(chan struct{}, 1)}
	run, err := r.of(driver, c)
	if err != nil {
		return err
	}
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	var work sync.WaitGroup
	work.Go(func() {
		err = run(ctx)
		leave()
	})
	work.Go(func() { r.report(ctx) })
	go func() { // not waited for: in may not end before this process
		defer leave()
		r.answer(in)
	}()
	<-ctx.Done()
	work.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// answer answers what is asked on in.
func (r *role) answer(in io.Reader) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if lines.Text() == askMemory {
			m := measureMemory()
			r.say(said{Memory: &m})
		}
	}
}

func decodeRole(config string) (c roleConfig, err error) {
	decoder := json.NewDecoder(strings.NewReader(config))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return c, fmt.Errorf("bench: configuration of a role: %w", err)
	}
	if c.Role != roleMaster && c.Role != roleWorker {
		return c, fmt.Errorf("bench: role %q: use %s or %s", c.Role, roleMaster, roleWorker)
	}
	return c, nil
}

// role is the role of this process.
type role struct {
	held    atomic.Int64
	changed chan struct{} // held has

	mu  sync.Mutex
	out *json.Encoder
}

// of makes the role.
func (r *role) of(driver *zkclient.Driver, c roleConfig) (run func(context.Context) error, err error) {
	if c.Role == roleMaster {
		m, err := recipe.NewMaster(driver, recipe.MasterConfig{Name: c.Name, Address: address})
		if err != nil {
			return nil, err
		}
		return m.Run, nil
	}
	w, err := recipe.NewWorker(driver, recipe.WorkerConfig{Name: c.Name, Address: address, Concurrency: handlers, Handler: r.handle})
	if err != nil {
		return nil, err
	}
	return w.Run, nil
}

// handle holds resident tasks, and those with heldPayload.
func (r *role) handle(ctx context.Context, task recipe.Task) (recipe.Result, error) {
	if !task.Options.Resident && !bytes.Equal(task.Payload, heldPayload) {
		return recipe.Result("done"), nil
	}
	r.count(1)
	defer r.count(-1)
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func (r *role) count(by int64) {
	r.held.Add(by)
	select {
	case r.changed <- struct{}{}:
	default: // the reporter has not seen the last change yet
	}
}

// report says how many handlers hold their tasks, whenever that has changed.
func (r *role) report(ctx context.Context) {
	for {
		select {
		case <-r.changed:
			held := r.held.Load()
			r.say(said{Held: &held})
		case <-ctx.Done():
			return
		}
	}
}

// say writes a line. An error means that the bench has ended; then the input of the role ends, too.
func (r *role) say(s said) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.out.Encode(s)
}

// measureMemory is the memory of this process.
func measureMemory() (m memory) {
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	m.Before = int64(now.HeapAlloc)
	status, _ := os.ReadFile("/proc/self/status") // elsewhere than on Linux there is none
	m.Resident, m.Peak = statusBytes(string(status), "VmRSS"), statusBytes(string(status), "VmHWM")
	debug.FreeOSMemory() // collects
	runtime.ReadMemStats(&now)
	m.Heap = int64(now.HeapAlloc)
	return m
}

// statusBytes is a field of /proc/self/status in bytes, or 0 if the text does not have it.
func statusBytes(status, field string) int64 {
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		words := strings.Fields(value)
		if name != field || len(words) != 2 || words[1] != "kB" {
			continue
		}
		if n, err := strconv.ParseInt(words[0], 10, 64); err == nil {
			return n << 10
		}
	}
	return 0
}
