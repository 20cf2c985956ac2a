package harness

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/owner"
	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// process is one participant: a name that may live several times, always behind the
// same proxy.
type process struct {
	name  string
	role  subject.Role
	proxy *ensemble.Proxy
	run   *docker

	started    *atomic.Int32 // lives of that name so far
	executable string        // the command that runs it

	mu       sync.Mutex
	life     int
	skew     time.Duration // of the wall clock of later lives
	slept    time.Duration // how long the machine of the present life has slept
	command  *exec.Cmd
	stdin    io.WriteCloser
	exited   chan struct{}   // closed when this life is over
	doomed   bool            // its end is wanted
	killed   bool            // by us
	ended    nemesis.Finding // how, if kill has ended the present life
	draining bool
	second   *process // a second process of that name, if there was one
	lives    sync.Map // int: the life to which each session was granted, by its id
}

// Name implements nemesis.Process.
func (p *process) Name() string { return p.name }

// CanLead implements nemesis.Process.
func (p *process) CanLead() bool { return p.role.Leads }

// CanWork implements nemesis.Process.
func (p *process) CanWork() bool { return p.role.Works }

// IsClient implements nemesis.Process.
func (p *process) IsClient() bool { return p.role.Submits }

// connect opens the proxy through which all lives reach the ensemble.
func (p *process) connect() (err error) {
	open := ensemble.NewProxy
	if p.run.names != nil {
		open = ensemble.NewProxyOfOneName
	}
	p.proxy, err = open(p.run.ensemble.Addresses(), ensemble.Hooks{Granted: p.granted, Wrote: p.wrote})
	return err
}

// addresses are the addresses at which it finds the servers.
func (p *process) addresses() []string {
	if p.run.names != nil {
		return []string{p.proxy.AtOneName()}
	}
	return p.proxy.Addresses()
}

// Start begins the next life. If the present one goes on, it does nothing: the power switch may
// have been the first to start the process again.
func (p *process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.command != nil && !isClosed(p.exited) {
		return nil
	}
	return p.begin()
}

// begin begins the next life. The caller has the lock.
func (p *process) begin() error {
	p.life = int(p.started.Add(1))
	config, err := p.run.config.common()
	if err != nil {
		return err
	}
	config.Name, config.Role, config.Life, config.Servers, config.Namespace = p.name, p.role.Name, p.life, p.addresses(), p.run.namespace
	config.Origin, config.Sink, config.Seed, config.Skew = p.run.origin, p.run.sink.Address(), p.run.config.seedOf(p.name), p.skew
	config.Journal = filepath.Join(p.run.dir, record.JournalsFolder, record.JournalName(p.name, p.life))
	config.Log = filepath.Join(p.run.dir, record.LogsFolder, p.name+".log")
	if p.run.config.sleeps() {
		p.slept, config.Sleep = 0, p.sleepFile()
		if err := participant.WriteSleep(config.Sleep, 0); err != nil {
			return err
		}
	}
	if p.run.names != nil {
		config.Resolver = p.run.names.Address()
	}
	command := exec.Command(p.executable, "participant", owner.Flag+owner.Self().String(), "--config="+config.Encode())
	output, err := os.OpenFile(filepath.Join(p.run.dir, record.LogsFolder, p.name+".stderr"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("harness: %w", err)
	}
	defer output.Close()
	command.Stdout, command.Stderr = output, output
	stdin, err := command.StdinPipe()
	if err != nil {
		return fmt.Errorf("harness: %w", err)
	}
	p.proxy.SetLife(p.life)
	if err := command.Start(); err != nil {
		return fmt.Errorf("harness: start %s: %w", p.name, err)
	}
	exited := make(chan struct{})
	p.command, p.stdin, p.exited, p.doomed, p.killed, p.ended = command, stdin, exited, false, false, nemesis.Finding{}
	p.run.note(p.name, p.life, record.Started, "")
	if p.draining {
		_, _ = io.WriteString(stdin, participant.Drain+"\n")
	}
	p.run.work.Go(func() { p.reap(command, exited, p.life) })
	return nil
}

// SetClock makes the wall clock of later lives wrong.
func (p *process) SetClock(skew time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.skew = skew
}

// number is the number of the present life.
func (p *process) number() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life
}

// Has reports whether a session was granted to the present life.
func (p *process) Has(session int64) bool {
	life, ok := p.lives.Load(session)
	return ok && life == p.number()
}

// granted records a session that the wire shows, whatever the participant reports.
func (p *process) granted(s ensemble.Session) {
	p.lives.Store(s.ID, s.Life)
	p.run.noteGranted(p.name, s.Life, s.ID)
}

func (r *run) noteGranted(name string, life int, session int64) {
	r.harness.Add(record.Event{Type: record.Note, Kind: record.Session, Of: record.SessionChange{
		Session: record.Hex(session), Fate: record.Granted, To: record.Life{Process: name, Number: life},
	}})
}

// reap records how a life ended. An unwanted end is a crash.
func (p *process) reap(command *exec.Cmd, exited chan struct{}, life int) {
	err := command.Wait()
	status, _ := command.ProcessState.Sys().(syscall.WaitStatus)
	p.mu.Lock()
	// A participant that is told to leave before it listens is ended by the signal.
	wanted := p.killed || (p.doomed || p.draining) && err == nil || p.doomed && status.Signaled() && status.Signal() == syscall.SIGTERM
	p.mu.Unlock()
	if command.ProcessState.ExitCode() == participant.Unrecorded {
		p.run.lose(fmt.Errorf("%s could not write its part; %s.stderr in the folder %s says why, if there was room for it", p.name, p.name, record.LogsFolder))
		wanted = true
	}
	fate, detail := record.Exited, ""
	if err != nil {
		fate, detail = record.Killed, err.Error()
	}
	if !wanted {
		fate, detail = record.Crashed, cmp.Or(detail, string(record.Exited))
	}
	p.run.note(p.name, life, fate, detail)
	close(exited)
}

// Kill ends the life with SIGKILL and waits for the end.
func (p *process) Kill() error {
	p.mu.Lock()
	p.doomed, p.killed = true, true
	command, exited := p.command, p.exited
	p.mu.Unlock()
	if err := command.Process.Kill(); err != nil {
		return fmt.Errorf("harness: kill %s: %w", p.name, err)
	}
	<-exited
	status, ok := command.ProcessState.Sys().(syscall.WaitStatus)
	seen := command.ProcessState.String()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = nemesis.Found(ok && status.Signaled() && status.Signal() == syscall.SIGKILL, "the process ended: %s", seen).With("process", "the process ended: "+seen)
	return nil
}

// Killed reports whether that signal has ended the present life.
func (p *process) Killed() nemesis.Finding {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

func (p *process) signal(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.command.Process.Signal(s)
}

// Stop stops the process.
func (p *process) Stop() error { return p.signal(syscall.SIGSTOP) }

// Continue lets it go on.
func (p *process) Continue() error { return p.signal(syscall.SIGCONT) }

// Stopped reports whether the system holds the process stopped.
func (p *process) Stopped() bool {
	p.mu.Lock()
	pid := p.command.Process.Pid
	p.mu.Unlock()
	if runtime.GOOS == "linux" {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, rest, _ := strings.Cut(string(stat), ") ")
		return err == nil && strings.HasPrefix(rest, "T")
	}
	out, err := exec.Command("ps", "-o", "state=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.HasPrefix(strings.TrimSpace(string(out)), "T")
}

// Alive reports whether the present life goes on.
func (p *process) Alive() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// drain tells a client to submit no more.
func (p *process) drain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draining = true
	_, _ = io.WriteString(p.stdin, participant.Drain+"\n")
}

// quit asks the process to leave, with SIGTERM, and kills it if it does not.
// It returns the command of the life that has ended; a later life may have begun meanwhile.
func (p *process) quit(patience time.Duration) *exec.Cmd {
	p.mu.Lock()
	p.doomed = true
	command, exited, life := p.command, p.exited, p.life
	p.mu.Unlock()
	_ = command.Process.Signal(syscall.SIGTERM)
	_ = command.Process.Signal(syscall.SIGCONT)
	select {
	case <-exited:
	case <-time.After(patience):
		p.run.note(p.name, life, record.Killed, "did not leave in time; killed")
		p.run.warn(p.Kill())
	}
	return command
}

// Leave is quit. It reports how long that took, and whether the process left by itself.
func (p *process) Leave() (took time.Duration, clean bool) {
	began := clock.Now()
	command := p.quit(leavePatience)
	return clock.Now() - began, command.ProcessState.Success()
}

// recover undoes the effects of faults: a cut, a stop, an end without a restart. A
// participant that crashed stays dead.
func (p *process) recover() error {
	p.proxy.Heal()
	p.SetClock(0)
	if !p.Alive() {
		p.mu.Lock()
		doomed := p.doomed
		p.mu.Unlock()
		if doomed {
			return p.Start()
		}
		return nil
	}
	err := p.signal(syscall.SIGCONT)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// sleepFile has the total time that a participant's machine has slept.
func (p *process) sleepFile() string {
	return filepath.Join(p.run.dir, record.LogsFolder, p.name+".slept")
}

// Sleep adds a sleep to the earlier ones of the present life. The process is stopped.
func (p *process) Sleep(d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slept += d
	return participant.WriteSleep(p.sleepFile(), p.slept)
}

// ClockOff is how far the wall clock was off when the present life began, by its own
// journal.
func (p *process) ClockOff() (time.Duration, error) {
	path := filepath.Join(p.run.dir, record.JournalsFolder, record.JournalName(p.name, p.number()))
	events, err := record.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for _, e := range events {
		if e.Kind == record.Clock {
			right := time.Now().Add(e.At - p.run.now())
			return e.Reading().Wall.Sub(right), nil
		}
	}
	return 0, errors.New("the participant has not reported its clock")
}

// twin is a second process of the same name.
type twin struct{ *process }

// Twin starts a second process of the same name, with a proxy of its own.
func (p *process) Twin() (nemesis.Twin, error) {
	second := &process{name: p.name, role: p.role, run: p.run, started: p.started, executable: p.executable}
	if err := second.connect(); err != nil {
		return twin{second}, err
	}
	p.mu.Lock()
	p.second = second
	p.mu.Unlock()
	return twin{second}, second.Start()
}

// Remove implements nemesis.Twin.
func (t twin) Remove() error {
	if t.command != nil {
		t.quit(leavePatience)
	}
	if t.proxy != nil {
		return t.proxy.Close()
	}
	return nil
}

// close ends the process and its line.
func (p *process) close() error {
	if p.command != nil && p.Alive() {
		p.quit(time.Second)
	}
	return p.proxy.Close()
}
