package nemesis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"
)

// Injection is a fault bound to its target.
type Injection struct {
	Target string
	Hit    func() string // the target, if only Apply finds it; else nil
	// Sessions are the ended sessions, in the notation of a record and comma-separated,
	// after Apply; nil for a fault that ends none.
	Sessions func() string
	Apply    func(ctx context.Context) error
	Heal     func(ctx context.Context) error
	Probe    func(ctx context.Context) Finding // just before healing
	Done     func()                            // after healing; may be nil
	Takes    time.Duration                     // extra time beyond the planned duration
}

// Finding is the observation of a probe.
type Finding struct {
	Effective bool
	Text      string // in words
	Figures   map[string]string
}

// Found makes a finding without figures.
func Found(effective bool, format string, args ...any) Finding {
	return Finding{Effective: effective, Text: fmt.Sprintf(format, args...)}
}

// whether says in words which of two results a probe saw.
func whether(seen bool, is, isNot string) string {
	if seen {
		return is
	}
	return isNot
}

// With adds a figure.
func (f Finding) With(name string, value any) Finding {
	figures := map[string]string{name: fmt.Sprint(value)}
	maps.Copy(figures, f.Figures)
	f.Figures = figures
	return f
}

// meanwhile repeats an action while an injection lasts; do ends with its context.
func (i Injection) meanwhile(do func(ctx context.Context)) Injection {
	apply, heal := i.Apply, i.Heal
	doing, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	i.Apply = func(ctx context.Context) error {
		err := apply(ctx)
		if err == nil {
			work.Go(func() { do(doing) })
		}
		return err
	}
	i.Heal = func(ctx context.Context) error {
		stop()
		work.Wait()
		return heal(ctx)
	}
	return i
}

func nothing(context.Context) error { return nil }

// background is work that goes on while a fault lasts.
type background struct {
	over chan struct{}
	err  error
}

// begin starts work in the background.
func begin(work func() error) *background {
	b := &background{over: make(chan struct{})}
	go func() {
		defer close(b.over)
		b.err = work()
	}()
	return b
}

// end waits until the work is over. It is an error if the work never began.
func (b *background) end() error {
	if b == nil {
		return errors.New("nothing happened")
	}
	<-b.over
	return b.err
}

// wait returns true after d, or false as soon as ctx ends.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// await checks a condition again and again until it holds.
func await(ctx context.Context, what string, condition func(context.Context) bool) error {
	for !condition(ctx) {
		if !wait(ctx, 50*time.Millisecond) {
			return fmt.Errorf("%s: never seen: %w", what, context.Cause(ctx))
		}
	}
	return nil
}
