// Package bench measures the master-worker recipe on a real ensemble. Each figure stands
// beside a baseline that was measured on the same servers in the same run.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// Config configures measurements.
type Config struct {
	Suites   []string // names of Suites
	Servers  int
	Tasks    int // in a backlog, to be submitted, or resident; of idle: names of lost workers
	Workers  int
	Image    string
	TickTime time.Duration
	Larger   int           // of drain: tasks of a second, larger backlog; 0 for none
	WarmUp   int           // znodes of each kind, and tasks, before anything is measured; 0 for none
	Heap     int           // the most heap of each server, in MB
	Kills    int           // of kill: how often a worker is killed
	Timeout  time.Duration // of kill and residents: the session timeout of the worker that is killed
}

// Suite is a group of measurements.
type Suite struct {
	Name  string
	About string
	run   func(context.Context, *bed) error
}

// Suites returns the suites, in the order in which they run.
func Suites() []Suite {
	return []Suite{
		{"drain", "how fast a backlog is done, and a larger one", drain},
		{"lone", "one task at a time on an idle ensemble, and its requests", lone},
		{"reads", "how fast many znodes are read", reads},
		{"submit", "how fast tasks are handed in", submit},
		{"residents", "long-lived tasks: from nothing, the memory of a master, a failover, a worker killed, left, joined; an ordinary task beside them", residents},
		{"kill", "how long a worker's running tasks wait when it is killed with SIGKILL", kill},
		{"idle", "what a group that has nothing to do asks of the ensemble", idle},
		{"neighbour", "what another user of the ensemble notices while a backlog is done", neighbour},
		{"cost", "what waiting, finished and resident tasks cost a server: heap, snapshot, log, a restart", cost},
		{"lock", "a lock beside plain requests and the locks of kazoo and Curator: alone, with 8 and 64 that contend, passed on", locks},
		{"election", "a leadership that is passed on, beside the elections of kazoo and Curator", elections},
		{"counter", "a counter that 1 and 8 processes add to, beside plain sets and the counter of kazoo", additions},
		{"queue", "a queue: items put one by one and many at once, taken and acknowledged by 1 and 4 consumers, beside plain creates and deletes and the queues of kazoo and Curator", queues},
		{"peers", "what people use instead, on the same machine right after: River, asynq, kazoo, Curator", alongside},
	}
}

// Check returns an error for an unknown name of a suite.
func Check(names []string) error {
	var known []string
	for _, s := range Suites() {
		known = append(known, s.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("suite %q: use %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// bed is an ensemble to measure on, and the figures so far.
type bed struct {
	config   Config
	srvr     func(context.Context) ([]string, error) // the answer of each server to that command
	server                                           // the first of them
	driver   *zkclient.Driver                        // of clients
	plain    *zkclient.Driver                        // of baselines, which have the ensemble to themselves
	servers  []string
	connect  func(timeout time.Duration) (*zkclient.Driver, error) // another process, as the ensemble sees it
	watchFor time.Duration                                         // how long requests are counted
	idle     []int                                                 // how many live workers do nothing, one measurement after the other
	lone     int                                                   // tasks that are measured one at a time
	contend  contention                                            // how locks, elections, counters and queues are measured
	others   others                                                // what suite peers compares with
	out      io.Writer
	suite    string
	rows     []row
}

// server is a server whose costs are measured.
type server struct {
	footprint func(context.Context) (ensemble.Footprint, error)
	reload    func(context.Context) (time.Duration, error)
}

// row is one line of the table.
type row struct {
	suite, what, figure string
	ratio               float64 // to the baseline; 0 for none
	baseline            string
}

// says adds a figure without a ratio.
func (b *bed) says(what, format string, args ...any) { b.against(0, "", what, format, args...) }

// against adds a figure with its ratio to a baseline.
func (b *bed) against(ratio float64, baseline, what, format string, args ...any) {
	r := row{b.suite, what, fmt.Sprintf(format, args...), ratio, baseline}
	b.rows = append(b.rows, r)
	fmt.Fprintf(b.out, "%s: %s: %s%s\n", r.suite, r.what, r.figure, r.relation(", "))
}

func (r row) relation(before string) string {
	if r.baseline == "" {
		return ""
	}
	return fmt.Sprintf("%s%.2f x %s", before, r.ratio, r.baseline)
}

// Run starts an ensemble for each suite, measures, and prints a table.
func Run(ctx context.Context, config Config, out io.Writer) error {
	if err := Check(config.Suites); err != nil {
		return err
	}
	image, err := ensemble.FindImage(ctx, config.Image, out)
	if err != nil {
		return err
	}
	// A killed run leaves servers, which would take part in every measurement from then on.
	if _, err := ensemble.RemoveLeftovers(ctx); err != nil {
		return err
	}
	var rows []row
	for _, suite := range Suites() {
		if !slices.Contains(config.Suites, suite.Name) {
			continue
		}
		more, err := runOn(ctx, config, image, suite, out)
		rows = append(rows, more...)
		if err != nil {
			return fmt.Errorf("suite %s: %w", suite.Name, err)
		}
	}
	fmt.Fprintf(out, "\n%s, %d ZooKeeper servers on it, each with at most %d MB of heap:\n\n", machine(), config.Servers, config.Heap)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", r.suite, r.what, r.figure, r.relation(""))
	}
	return table.Flush()
}

// runOn measures one suite on an ensemble of its own.
func runOn(ctx context.Context, config Config, image ensemble.Image, suite Suite, out io.Writer) (rows []row, err error) {
	settings := ensemble.Config{
		Servers: config.Servers, TickTime: config.TickTime, Image: image, Run: fmt.Sprintf("bench-%d", time.Now().UnixMilli()),
		Profile: ensemble.Profile{Java: []string{fmt.Sprintf("-Xmx%dm", config.Heap)}},
	}
	e, err := ensemble.Start(ctx, settings)
	if err != nil {
		return nil, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, e.Stop(ctx))
	}()
	b := &bed{config: config, out: out, suite: suite.Name, servers: e.Addresses(), watchFor: 20 * time.Second, idle: []int{200, 1000}, lone: 300, contend: contention{pairs: 300, crowds: []int{1, 8, 64}, adders: []int{1, 8}, consumers: []int{1, 4}, window: 5 * time.Second, handovers: 100, warmUp: 1000}}
	b.srvr = func(ctx context.Context) (answers []string, err error) {
		for _, server := range e.Servers {
			text, err := server.FourLetterWord(ctx, "srvr")
			if err != nil {
				return nil, err
			}
			answers = append(answers, text)
		}
		return answers, nil
	}
	b.server = server{e.Servers[0].Footprint, e.Servers[0].Reload}
	b.others = othersOn(ctx, e)
	b.connect = func(timeout time.Duration) (*zkclient.Driver, error) {
		return zkclient.New(zkclient.Config{Servers: b.servers, SessionTimeout: timeout})
	}
	if b.driver, err = b.connect(10 * time.Second); err != nil {
		return nil, err
	}
	if b.plain, err = plainDriver(b.servers); err != nil {
		return nil, err
	}
	if slices.Contains(warmed, suite.Name) {
		err = b.warm(ctx)
	}
	if err == nil {
		err = suite.run(ctx, b)
	}
	return b.rows, err
}

// plainDriver is a driver that writes as fast as it can.
func plainDriver(servers []string) (*zkclient.Driver, error) {
	return zkclient.New(zkclient.Config{Servers: servers, Bulk: zkclient.Bulk{Fixed: true}})
}
