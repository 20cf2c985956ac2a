package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
)

// library is whose code contends.
type library string

const (
	ringmaster library = "Ringmaster"
	curator    library = "Curator"
	kazooLock  library = "kazoo"
)

// said is one line of a program: what it believes, and when it began to, by internal/clock.
type said struct {
	What  string        `json:"what"` // holds, stays, over, rests, failed
	N     int           `json:"n"`    // of the hold, which a program counts
	Znode string        `json:"znode"`
	Reads bool          `json:"reads"`
	Why   string        `json:"why"`
	At    time.Duration `json:"at"`
}

// program is one process that contends for the lock, and its line to the servers.
type program struct {
	name    string
	lib     library
	command func() *exec.Cmd
	env     []string
	lock    string // path of the lock
	proxy   *ensemble.Proxy
	troop   *troop

	cmd   *exec.Cmd
	in    io.WriteCloser
	ended chan struct{}
}

// troop is the programs that contend for one lock.
type troop struct {
	t        *testing.T
	programs []*program

	mu     sync.Mutex
	told   chan struct{} // closed at the next line
	lines  map[string][]said
	harmed map[string][]harm // what was done to a program
}

// harm is one fault of a program.
type harm struct {
	kind     string
	from, to time.Duration
}

// The kinds of harm.
const (
	expired = "its session is ended"
	severed = "its connection is cut until its session has ended"
	broken  = "its connection is reset"
	stopped = "it is stopped with SIGSTOP until its session has ended"
	killed  = "it is killed"
)

// start runs the process. The line of a program that was killed is used again.
func (p *program) start() {
	t := p.troop.t
	t.Helper()
	p.cmd = p.command()
	p.cmd.Env = append(append(os.Environ(), p.env...), "INTEROP_WHO="+p.name, "INTEROP_SERVERS="+strings.Join(p.proxy.Addresses(), ","))
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	complaints := &tail{}
	p.cmd.Stderr = complaints
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd, ended := p.cmd, make(chan struct{})
	p.ended = ended
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var s said
			if json.Unmarshal(lines.Bytes(), &s) == nil && s.What != "" {
				p.troop.hear(p.name, s)
			}
		}
		_ = cmd.Wait()
		if text := complaints.String(); text != "" {
			t.Logf("%s said: %s", p.name, text)
		}
	}()
}

// tail keeps the end of what a program complains of.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (c *tail) Write(b []byte) (int, error) {
	const most = 4000
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, b...)
	c.text = c.text[max(0, len(c.text)-most):]
	return len(b), nil
}

func (c *tail) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.text)
}

// tell writes one line to the program: stay, go or rest.
func (p *program) tell(word string) { _, _ = io.WriteString(p.in, word+"\n") } // a program that was killed hears nothing

// kill ends the process at once, and waits for its end.
func (p *program) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// quit has the program close its session in order, and end.
func (p *program) quit() {
	_ = p.in.Close()
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		p.kill()
		p.troop.t.Errorf("%s does not quit", p.name)
	}
}

// hear takes a line.
func (w *troop) hear(name string, s said) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines[name] = append(w.lines[name], s)
	close(w.told)
	w.told = make(chan struct{})
}

// harms notes what is done to a program, and returns the function that notes its end.
func (w *troop) harms(p *program, kind string) (over func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := len(w.harmed[p.name])
	w.harmed[p.name] = append(w.harmed[p.name], harm{kind: kind, from: clock.Now()})
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.harmed[p.name][at].to = clock.Now()
	}
}

// until waits until a line of one of those programs is as it is wanted.
func (w *troop) until(what string, of []*program, wanted func(said) bool) {
	w.t.Helper()
	const patience = time.Minute
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		w.mu.Lock()
		told, found := w.told, false
		for _, p := range of {
			found = found || slices.ContainsFunc(w.lines[p.name], wanted)
		}
		w.mu.Unlock()
		if found {
			return
		}
		select {
		case <-told:
		case <-limit.C:
			w.t.Fatalf("not in %v: %s\n%s", patience, what, w.latest())
		}
	}
}

// holdsAgain waits until each of those programs has held the lock after now.
func (w *troop) holdsAgain(why string, of ...*program) {
	w.t.Helper()
	now := clock.Now()
	for _, p := range of {
		w.until(p.name+" holds the lock again: "+why, []*program{p}, func(s said) bool { return s.What == "holds" && s.At > now })
	}
}

// stays has a program hold the lock until it is told to go, and waits until it holds it.
func (w *troop) stays(p *program) {
	w.t.Helper()
	now := clock.Now()
	p.tell("stay")
	w.until(p.name+" holds the lock and stays", []*program{p}, func(s said) bool { return s.What == "stays" && s.At > now })
}

// others are the programs but that one.
func (w *troop) others(but *program) []*program {
	return slices.DeleteFunc(slices.Clone(w.programs), func(p *program) bool { return p == but })
}

// latest is the last line of each program.
func (w *troop) latest() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(w.lines)) {
		lines := w.lines[name]
		fmt.Fprintf(&b, "%s: %d lines, the last: %+v\n", name, len(lines), lines[len(lines)-1])
	}
	return b.String()
}

// interop is an ensemble on which programs of three libraries contend.
type interop struct {
	e       *ensemble.Ensemble
	classes string // the class path of the program for Curator
}

// naming is which names the contenders of one lock have.
type naming string

const (
	curatorNames naming = "curator" // all have those of InterProcessMutex
	mixedNames   naming = "mixed"   // each has its own library's
	readWrite    naming = "read-write"
	blindNames   naming = "blind" // mixed, but this program takes no notice of others'
)

// recruit is a program to be.
type recruit struct {
	lib    library
	names  naming
	layout string // of Ringmaster
}

// muster starts the programs, and waits until each has held the lock.
func (i *interop) muster(t *testing.T, path string, recruits ...recruit) *troop {
	t.Helper()
	w := &troop{t: t, told: make(chan struct{}), lines: map[string][]said{}, harmed: map[string][]harm{}}
	for n, r := range recruits {
		proxy, err := ensemble.NewProxy(i.e.Addresses(), ensemble.Hooks{})
		if err != nil {
			t.Fatal(err)
		}
		p := &program{
			name: fmt.Sprintf("%s-%d", r.lib, n+1), lib: r.lib, lock: path + "/lock", proxy: proxy, troop: w, command: i.commandOf(r.lib),
			env: []string{"INTEROP_LOCK=" + path + "/lock", "INTEROP_WORK=" + path + "/work", "INTEROP_NAMES=" + string(r.names), "INTEROP_LAYOUT=" + r.layout},
		}
		w.programs = append(w.programs, p)
		p.start()
	}
	t.Cleanup(func() {
		for _, p := range w.programs {
			_ = p.cmd.Process.Signal(syscall.SIGCONT)
			p.kill()
			_ = p.proxy.Close()
		}
	})
	w.holdsAgain("it has just begun", w.programs...)
	return w
}

// commandOf returns what makes the command of a library's program.
func (i *interop) commandOf(l library) func() *exec.Cmd {
	switch l {
	case curator:
		return func() *exec.Cmd {
			return exec.Command("java", "-Xmx64m", "-XX:TieredStopAtLevel=1", "-cp", i.classes, "org.apache.curator.framework.recipes.locks.InteropLock")
		}
	case kazooLock:
		return func() *exec.Cmd { return exec.Command("/usr/bin/python3", "testdata/clients/interop_lock.py") }
	}
	return func() *exec.Cmd { return exec.Command(os.Args[0], "-test.run=^TestInterop_Contender$") }
}

// needInterop skips the test unless the clients of both libraries are installed, and compiles
// the program for Curator.
func needInterop(ctx context.Context, t *testing.T) (classes string) {
	t.Helper()
	needClient(t, "kazoo_recipes")
	needClient(t, "CuratorRecipes")
	return compiled(ctx, t, "InteropLock.java")
}
