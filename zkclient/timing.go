package zkclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Timing is what a server says of the times that it goes by.
type Timing struct {
	Server    string        // that has said it
	Tick      time.Duration // tickTime
	InitLimit int           // in ticks; 0 where the server is the only one
	SyncLimit int           // in ticks; 0 where the server is the only one
	// Session timeouts that the server grants.
	Least, Most time.Duration
}

// Patience is for how long a server that is cut off from its leader goes on to answer
// its clients, and for how long the leader waits for such a server. A session timeout
// should not be shorter.
func (t Timing) Patience() time.Duration { return time.Duration(t.SyncLimit) * t.Tick }

// ErrNoTiming means that no server says its times: none has `conf` in its
// 4lw.commands.whitelist, or none can be reached.
var ErrNoTiming = errors.New("the servers do not answer conf")

// Bounds of what Timing asks.
const (
	timingLimit = 2 * time.Second // how long one server may take
	maxTiming   = 64 << 10        // bytes of its answer that are looked at
	maxTicks    = 1 << 20         // ticks of a limit that are believed
	longestTick = time.Hour
)

// Timing asks all servers for their times, by the four-letter word conf, and returns
// those of the most patient one: they may differ. The error is an ErrNoTiming when none
// says them, which is usual, because conf has to be switched on. It takes two seconds at
// most, and needs no session.
func (d *Driver) Timing(ctx context.Context) (Timing, error) {
	var (
		mu       sync.Mutex
		asking   sync.WaitGroup
		answers  []Timing
		problems = []error{ErrNoTiming}
	)
	ctx, cancel := context.WithTimeout(ctx, timingLimit)
	defer cancel()
	for _, address := range d.config.Servers {
		asking.Go(func() {
			t, err := d.timingOf(ctx, address)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", address, err))
			} else {
				answers = append(answers, t)
			}
		})
	}
	asking.Wait()
	if len(answers) == 0 {
		return Timing{}, errors.Join(problems...)
	}
	most := answers[0]
	for _, t := range answers {
		if t.Patience() > most.Patience() {
			most = t
		}
	}
	return most, nil
}

// timingOf asks one server.
func (d *Driver) timingOf(ctx context.Context, address string) (Timing, error) {
	conn, err := d.config.Dial(ctx, "tcp", address)
	if err != nil {
		return Timing{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })() // a read ends with ctx
	if _, err := io.WriteString(conn, "conf"); err != nil {
		return Timing{}, err
	}
	answer, err := io.ReadAll(io.LimitReader(conn, maxTiming+1))
	if err != nil {
		return Timing{}, err // half of an answer may lack a limit
	}
	t, ok := readTiming(string(answer))
	if !ok || len(answer) > maxTiming {
		const most = 100
		return Timing{}, fmt.Errorf("answered %q", answer[:min(len(answer), most)])
	}
	t.Server = address
	return t, nil
}

// readTiming reads an answer to conf, which is lines of name=value. It reports whether
// that has a tickTime, and values that can be.
func readTiming(answer string) (Timing, bool) {
	most := map[string]int64{
		"tickTime": longestTick.Milliseconds(), "initLimit": maxTicks, "syncLimit": maxTicks,
		"minSessionTimeout": math.MaxInt32, "maxSessionTimeout": math.MaxInt32,
	}
	values := map[string]int64{}
	for line := range strings.Lines(answer) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if most[name] == 0 {
			continue
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 || n > most[name] {
			return Timing{}, false
		}
		values[name] = n
	}
	millis := func(name string) time.Duration { return time.Duration(values[name]) * time.Millisecond }
	return Timing{
		Tick: millis("tickTime"), InitLimit: int(values["initLimit"]), SyncLimit: int(values["syncLimit"]),
		Least: millis("minSessionTimeout"), Most: millis("maxSessionTimeout"),
	}, values["tickTime"] > 0
}
