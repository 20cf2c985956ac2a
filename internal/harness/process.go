package harness

import (
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
	"github.com/ringmaster-zk/ringmaster/record"
)

// process is one participant: a name that may live several times, always behind
// the same proxy.
type process struct {
	name  string
	role  participant.Role
	proxy *ensemble.Proxy
	run   *run

	started    *atomic.Int32 // lives of that name so far
	executable string        // the command that plays it

	mu       sync.Mutex
	life     int
	skew     time.Duration // of the wall clock of lives to come
	slept    time.Duration // that the machine of the present life has
	command  *exec.Cmd
	stdin    io.WriteCloser
	exited   chan struct{} // closed when this life is over
	doomed   bool          // its end is wanted
	killed   bool          // by us
	suffers  bool          // a fault is at work on it
	draining bool
	born     atomic.Int32 // life, for those who must not wait for mu
	lives    sync.Map     // int: the life to which each session was granted, by its id
}

// connect opens the proxy through which all lives reach the ensemble.
func (p *process) connect() (err error) {
	open := ensemble.NewProxy
	if p.run.names != nil {
		open = ensemble.NewProxyOfOneName
	}
	p.proxy, err = open(p.run.ensemble.Addresses(), ensemble.Ears{Granted: p.granted, Wrote: p.wrote})
	return err
}

// addresses are where it finds the servers.
func (p *process) addresses() []string {
	if p.run.names != nil {
		return []string{p.proxy.AtOneName()}
	}
	return p.proxy.Addresses()
}

// start begins the next life.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.life = int(p.started.Add(1))
	config := p.run.config.common()
	config.Name, config.Role, config.Life, config.Servers, config.Namespace = p.name, p.role, p.life, p.addresses(), p.run.namespace
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
	p.born.Store(int32(p.life))
	if err := command.Start(); err != nil {
		return fmt.Errorf("harness: start %s: %w", p.name, err)
	}
	exited := make(chan struct{})
	p.command, p.stdin, p.exited, p.doomed, p.killed = command, stdin, exited, false, false
	p.run.note(record.Process, p.name, p.life, "started")
	if p.draining {
		_, _ = io.WriteString(stdin, participant.Drain+"\n")
	}
	p.run.work.Go(func() { p.reap(command, exited, p.life) })
	return nil
}

// setClock makes the wall clock of later lives wrong.
func (p *process) setClock(skew time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.skew = skew
}

// number is that of the present life.
func (p *process) number() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life
}

// has reports whether a session was granted to the present life.
func (p *process) has(session int64) bool {
	life, ok := p.lives.Load(session)
	return ok && life == p.number()
}

// granted notes a session that the wire shows, whatever the participant says.
func (p *process) granted(s ensemble.Session) {
	life := int(p.born.Load())
	p.lives.Store(s.ID, life)
	p.run.noteGranted(p.name, life, s.ID)
}

func (r *run) noteGranted(name string, life int, session int64) {
	r.harness.Add(record.Event{
		Type: record.Note, Kind: record.Session, Target: fmt.Sprintf("%s/%d", name, life), Session: sessionName(session), Text: "granted on the wire",
	})
}

// reap notes how a life ended. An end that nobody wanted is a crash.
func (p *process) reap(command *exec.Cmd, exited chan struct{}, life int) {
	err := command.Wait()
	status, _ := command.ProcessState.Sys().(syscall.WaitStatus)
	p.mu.Lock()
	// One that is asked to leave before it listens ends by the signal.
	wanted := p.killed || (p.doomed || p.draining) && err == nil || p.doomed && status.Signaled() && status.Signal() == syscall.SIGTERM
	p.mu.Unlock()
	text := "exited"
	if err != nil {
		text = err.Error()
	}
	if !wanted {
		text = "crashed: " + text
	}
	p.run.note(record.Process, p.name, life, text)
	close(exited)
}

// kill ends the life with SIGKILL and waits for the end. It reports whether the
// signal was the cause.
func (p *process) kill() (killed bool, finding string, err error) {
	p.mu.Lock()
	p.doomed, p.killed = true, true
	command, exited := p.command, p.exited
	p.mu.Unlock()
	if err := command.Process.Kill(); err != nil {
		return false, "", fmt.Errorf("harness: kill %s: %w", p.name, err)
	}
	<-exited
	status, ok := command.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL, "the process ended: " + command.ProcessState.String(), nil
}

func (p *process) signal(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.command.Process.Signal(s)
}

// stopped reports whether the system holds the process stopped.
func (p *process) stopped() bool {
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

// alive reports whether the present life goes on.
func (p *process) alive() bool {
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
func (p *process) quit(patience time.Duration) {
	p.mu.Lock()
	p.doomed = true
	exited := p.exited
	p.mu.Unlock()
	_ = p.signal(syscall.SIGTERM)
	_ = p.signal(syscall.SIGCONT)
	select {
	case <-exited:
	case <-time.After(patience):
		p.run.note(record.Process, p.name, p.life, "does not leave; killed")
		_, _, err := p.kill()
		p.run.warn(err)
	}
}

// leave is quit; it reports how long that took, and whether the process left by
// itself.
func (p *process) leave(patience time.Duration) (took time.Duration, clean bool) {
	began := clock.Now()
	p.quit(patience)
	p.mu.Lock()
	defer p.mu.Unlock()
	return clock.Now() - began, p.command.ProcessState.Success()
}

// claim marks the process as suffering from a fault, unless it does already.
func (p *process) claim() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.suffers {
		return false
	}
	p.suffers = true
	return true
}

func (p *process) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.suffers = false
}

// recover undoes whatever a fault may have left: a cut, a stop, an end from which
// nobody started the process again. One that crashed stays dead.
func (p *process) recover() error {
	p.proxy.Heal()
	p.setClock(0)
	if !p.alive() {
		p.mu.Lock()
		doomed := p.doomed
		p.mu.Unlock()
		if doomed {
			return p.start()
		}
		return nil
	}
	err := p.signal(syscall.SIGCONT)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}
