// Command peers measures task queues that people use instead of Ringmaster: River on
// PostgreSQL and asynq on Redis. It prints one line of JSON for each figure, which the suite
// peers of torture bench reads. README.md has the settings.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"
)

// figure is one measurement.
type figure struct {
	What    string  `json:"what"`              // drain, submit, lone or server
	Setting string  `json:"setting"`           // how it was measured; of server: what the server says of itself
	Waiting int     `json:"waiting,omitempty"` // of drain: tasks in the queue when it began
	Tasks   int     `json:"tasks,omitempty"`   // that were done or handed in
	Seconds float64 `json:"seconds,omitempty"` // that all of them took; of lone: the median of one
}

// print writes the figure to the standard output.
func (f figure) print() error { return json.NewEncoder(os.Stdout).Encode(f) }

// job is what is measured.
type job struct {
	server string // a connection string of PostgreSQL, or a URL of Redis
	tasks  int    // of a drain, or to be handed in
	lone   int    // tasks one at a time
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run() error {
	j := job{server: os.Getenv("PEERS_SERVER")}
	flag.IntVar(&j.tasks, "tasks", 20000, "tasks of a drain, and to be handed in")
	flag.IntVar(&j.lone, "lone", 40, "tasks one at a time")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: PEERS_SERVER=URL peers [--tasks N] [--lone N] river | asynq")
		flag.PrintDefaults()
	}
	flag.Parse()
	if j.server == "" || j.tasks < 1 || j.lone < 1 {
		return errors.New("set PEERS_SERVER to the URL of an empty server, and the numbers to at least 1")
	}
	switch flag.Arg(0) {
	case "river":
		return measureRiver(context.Background(), j)
	case "asynq":
		return measureAsynq(context.Background(), j)
	}
	return fmt.Errorf("%q: name river or asynq", flag.Arg(0))
}

// patience bounds the wait for one state.
const patience = 2 * time.Minute

// until asks at each interval whether a condition holds, until it does.
func until(ctx context.Context, interval time.Duration, holds func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	look := time.NewTicker(interval)
	defer look.Stop()
	for {
		if ok, err := holds(); ok || err != nil {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// warmUp is how many of the tasks one at a time do not count.
const warmUp = 5

// longestPeriod is that of River, which writes few completions only this often.
const longestPeriod = 250 * time.Millisecond

// oneAtATime measures n tasks one after the other. Between them are pauses of random length,
// up to the longest period, so that a task may fall anywhere in it. one returns when the task
// is done.
func oneAtATime(setting string, n int, one func() error) error {
	random := rand.New(rand.NewPCG(1, 1))
	var took []time.Duration
	for i := range n + warmUp {
		<-time.After(20*time.Millisecond + time.Duration(random.Int64N(int64(longestPeriod))))
		began := time.Now()
		if err := one(); err != nil {
			return err
		}
		if i >= warmUp {
			took = append(took, time.Since(began))
		}
	}
	slices.SortFunc(took, cmp.Compare)
	return figure{What: "lone", Setting: setting, Tasks: n, Seconds: took[n/2].Seconds()}.print()
}
