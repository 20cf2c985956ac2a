package zkclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Timing has the times that a server is configured with.
type Timing struct {
	Server    string        // the server that reports these times, and its address if it is a name
	Tick      time.Duration // tickTime
	InitLimit int           // in ticks; 0 for a standalone server
	SyncLimit int           // in ticks; 0 for a standalone server
	// Session timeouts that the server grants. Most is 0 if the times are assumed.
	Least, Most time.Duration
	// Assumed means that no server answers conf. Then Tick is half of the shortest timeout
	// that this server grants, and the limits are ZooKeeper's defaults.
	Assumed bool
}

// Patience is how long a server that is cut off from its leader still answers its clients,
// and how long the leader waits for such a server. A session timeout should not be shorter.
func (t Timing) Patience() time.Duration { return time.Duration(t.SyncLimit) * t.Tick }

// ErrNoTiming means that no server reports its times, and that they cannot be assumed either:
// no server can be reached, or no address is a ZooKeeper server.
var ErrNoTiming = errors.New("the servers do not report their tickTime and limits")

// Bounds of what Timing asks.
const (
	timingLimit = 2 * time.Second // how long one server may take
	maxTiming   = 64 << 10        // bytes of its answer that are looked at
	maxTicks    = 1 << 20         // ticks of a limit that are believed
	longestTick = time.Hour
)

// Timing asks all servers for their times, by the four-letter word conf. If they differ, it
// returns those of the server with the longest Patience. As shipped, ZooKeeper does not
// answer conf. If no server does, the times of one server are assumed (Timing.Assumed):
// Timing opens a session for a moment to learn the shortest timeout that the server grants.
// If that fails, too, the error is an ErrNoTiming. Timing takes two seconds at most.
func (d *Driver) Timing(ctx context.Context) (Timing, error) {
	ctx, cancel := context.WithTimeout(ctx, timingLimit)
	defer cancel()
	all, problems := d.targets(ctx)
	said := d.askAll(ctx, all, problems)
	for _, address := range all {
		if len(said) > 0 || !errors.Is(problems[address], errNotWhitelisted) {
			continue
		}
		t, err := d.assume(ctx, address)
		if err == nil {
			return t, nil
		}
		problems[address] = err
	}
	if len(said) == 0 {
		err := ErrNoTiming
		for _, address := range slices.SortedFunc(maps.Keys(problems), func(a, b target) int { return cmp.Compare(a.String(), b.String()) }) {
			err = errors.Join(err, fmt.Errorf("%s: %w", address, problems[address]))
		}
		return Timing{}, err
	}
	return slices.MaxFunc(said, func(a, b Timing) int { return cmp.Compare(a.Patience(), b.Patience()) }), nil
}

// targets looks all servers up at once, for half of the time at most. It returns their
// addresses, and why others have none.
func (d *Driver) targets(ctx context.Context) (all []target, problems map[target]error) {
	ctx, cancel := context.WithTimeout(ctx, timingLimit/2)
	defer cancel()
	var (
		mu      sync.Mutex
		looking sync.WaitGroup
	)
	problems = map[target]error{}
	found := make([][]target, len(d.config.Servers))
	for i, server := range d.config.Servers {
		looking.Go(func() {
			var err error
			if found[i], err = d.names.targets(ctx, server); err != nil {
				mu.Lock()
				defer mu.Unlock()
				problems[target{server: server}] = err
			}
		})
	}
	looking.Wait()
	return slices.Concat(found...), problems
}

// askAll asks all addresses at once. It returns what they have said, and adds why others have
// not to problems.
func (d *Driver) askAll(ctx context.Context, all []target, problems map[target]error) (said []Timing) {
	var (
		mu     sync.Mutex
		asking sync.WaitGroup
	)
	for _, address := range all {
		asking.Go(func() {
			t, err := d.timingOf(ctx, address)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				problems[address] = err
			} else {
				said = append(said, t)
			}
		})
	}
	asking.Wait()
	return said
}

// timingOf asks one server.
func (d *Driver) timingOf(ctx context.Context, address target) (Timing, error) {
	answer, err := d.ask(ctx, address, "conf")
	if err != nil {
		return Timing{}, err // half of an answer may lack a limit
	}
	t, ok := readTiming(answer)
	switch {
	case strings.HasPrefix(answer, "conf "+notWhitelisted):
		return Timing{}, errNotWhitelisted
	case !ok || len(answer) > maxTiming:
		const most = 100
		return Timing{}, fmt.Errorf("answered %q", answer[:min(len(answer), most)])
	}
	t.Server = address.String()
	return t, nil
}

// What a server answers to a four-letter word that is switched off.
const notWhitelisted = "is not executed because it is not in the whitelist"

var errNotWhitelisted = errors.New("conf is not in its 4lw.commands.whitelist")

// ask sends a server a four-letter word, and returns its answer.
func (d *Driver) ask(ctx context.Context, address target, word string) (answer string, err error) {
	err = d.talk(ctx, address, func(conn net.Conn) error {
		if _, err := io.WriteString(conn, word); err != nil {
			return err
		}
		all, err := io.ReadAll(io.LimitReader(conn, maxTiming+1))
		answer = string(all)
		return err
	})
	return answer, err
}

// talk calls body with a connection of its own, which ends with ctx.
func (d *Driver) talk(ctx context.Context, address target, body func(net.Conn) error) error {
	conn, err := d.config.connect(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })() // so do reads and writes
	return body(conn)
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
