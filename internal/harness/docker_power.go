package harness

import (
	"errors"
	"fmt"
	"os"
)

// powerOff implements member.
func (p *process) powerOff(life int) (ended bool, err error) {
	if life < 1 || life > int(p.started.Load()) {
		return false, fmt.Errorf("harness: power switch: %s has no life %d", p.name, life)
	}
	p.mu.Lock()
	second := p.second
	p.mu.Unlock()
	if second != nil && second.number() == life {
		return second.cutPower(life)
	}
	return p.cutPower(life)
}

// cutPower ends a life with SIGKILL, which a stopped process hears as well, and waits for the
// end.
func (p *process) cutPower(life int) (ended bool, err error) {
	p.mu.Lock()
	command, exited := p.command, p.exited
	if command == nil || p.life != life || isClosed(exited) { // a later life begins when the one before is over
		p.mu.Unlock()
		return false, nil
	}
	p.doomed, p.killed = true, true
	p.mu.Unlock()
	if err := command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return false, fmt.Errorf("harness: power switch: kill %s: %w", p.name, err)
	}
	<-exited
	return true, nil
}

// again implements member.
func (p *process) again(life int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.life != life || !isClosed(p.exited) {
		return nil
	}
	return p.begin()
}
