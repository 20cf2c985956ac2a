package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// goContender contends with recipe/lock until its standard input ends. It is a process of its
// own, so that it can be stopped and killed.
type goContender struct {
	who, lock, work string
	locks           *lock.Locks
	stay, rest      atomic.Bool
	over            chan struct{} // closed when the input has ended
}

// TestInterop_Contender is no test: it is the program of this package that contends.
func TestInterop_Contender(t *testing.T) {
	if os.Getenv("INTEROP_WHO") == "" {
		return
	}
	c := &goContender{who: os.Getenv("INTEROP_WHO"), lock: os.Getenv("INTEROP_LOCK"), work: os.Getenv("INTEROP_WORK"), over: make(chan struct{})}
	driver, err := zkclient.New(zkclient.Config{Servers: strings.Split(os.Getenv("INTEROP_SERVERS"), ","), SessionTimeout: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	layouts := map[string]lock.Layout{}
	for l := lock.Plain; l <= lock.Kazoo; l++ {
		layouts[l.String()] = l
	}
	if c.locks, err = lock.New(driver, lock.Config{Name: c.who, Layout: layouts[os.Getenv("INTEROP_LAYOUT")]}); err != nil {
		t.Fatal(err)
	}
	go c.listen()
	for n := 1; ; n++ {
		if c.rest.Load() {
			tellTest(said{What: "rests"})
			for c.rest.Load() && !c.isOver() {
				time.Sleep(10 * time.Millisecond)
			}
		}
		if c.isOver() {
			break
		}
		c.holdOnce(n, os.Getenv("INTEROP_NAMES") == string(readWrite) && n%2 == 0)
		time.Sleep(5 * time.Millisecond)
	}
	if err := c.locks.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func (c *goContender) isOver() bool {
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}

func (c *goContender) listen() {
	defer close(c.over)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		c.stay.Store(lines.Text() == "stay")
		c.rest.Store(lines.Text() == "rest")
	}
}

// holdOnce takes the lock, works under it and releases it.
func (c *goContender) holdOnce(n int, reads bool) {
	ctx := context.Background()
	var options []lock.Option
	if reads {
		options = append(options, lock.Shared())
	}
	held, err := c.locks.Lock(ctx, c.lock, options...)
	if err != nil {
		tellTest(said{What: "failed", N: n, Why: err.Error()})
		return
	}
	znode := path.Base(held.Znode())
	tellTest(said{What: "holds", N: n, Znode: znode, Reads: reads})
	var once sync.Once
	end := func(why string) { once.Do(func() { tellTest(said{What: "over", N: n, Why: why}) }) }
	context.AfterFunc(held.Context(), func() { end("lost") })
	for i := 0; held.Context().Err() == nil && (i < 3 || c.stay.Load()) && !c.isOver(); i++ {
		if i == 3 {
			tellTest(said{What: "stays", N: n})
		}
		_, _ = held.Write(held.Context(), zkapi.Set(c.work, fmt.Appendf(nil, "%s|%d|%s", c.who, n, znode), zkapi.AnyVersion)) // its context tells whether the lock is lost
		time.Sleep(10 * time.Millisecond)
	}
	end("released")
	_ = held.Release(ctx) // a lock that is lost has no more to release
}

var printing sync.Mutex

// tellTest prints a line for the test that has started this program.
func tellTest(s said) {
	printing.Lock()
	defer printing.Unlock()
	s.At = clock.Now()
	_ = json.NewEncoder(os.Stdout).Encode(s)
}
