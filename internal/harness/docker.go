package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// docker is a bench of real servers, in containers or external. Its participants are
// processes behind proxies.
type docker struct {
	*run
	executable string
	origin     time.Duration
	started    time.Time
	image      ensemble.Image

	ensemble  *ensemble.Ensemble
	names     *ensemble.Names // nil unless the servers have one name
	sink      *participant.Sink
	work      sync.WaitGroup // goroutines that wait for processes
	overQuota atomic.Int64   // writes that were refused because of a quota
}

// newDocker prepares a run that begins now. Its folder does not exist yet.
func newDocker(config Setup, executable string, out io.Writer) *docker {
	d := &docker{executable: executable, origin: clock.Now(), started: time.Now()}
	d.run = newRun(config, "", out, func() time.Duration { return clock.Now() - d.origin })
	d.on(d)
	return d
}

// containers names the containers of a run. Two runs with the same seed may begin in
// the same second, in different folders.
func (d *docker) containers() string {
	return fmt.Sprintf("%s-%d", strings.ToLower(filepath.Base(d.dir)), os.Getpid())
}

// open implements bench.
func (d *docker) open(ctx context.Context) (Stored, error) {
	if err := d.openEnsemble(ctx); err != nil {
		return Stored{}, err
	}
	var err error
	if d.observer, err = d.newObserver(d.ensemble.Addresses()); err != nil {
		return Stored{}, err
	}
	if d.config.profile().OneName {
		if d.names, err = ensemble.ServeNames(ensemble.LocalAddresses(len(d.ensemble.Servers))); err != nil {
			return Stored{}, err
		}
	}
	if d.sink, err = participant.ListenSink(d.effects, d.power.off); err != nil {
		return Stored{}, err
	}
	return d.stored(ctx)
}

func (d *docker) openEnsemble(ctx context.Context) error {
	var err error
	if d.config.Ensemble == External {
		d.namespace = fmt.Sprintf("/ringmaster-%d-%d-%d", d.config.Seed, d.started.UnixMilli(), os.Getpid())
		var servers []string
		if servers, err = d.config.external(); err != nil {
			return err
		}
		d.ensemble, err = ensemble.External(ctx, servers)
		return err
	}
	d.namespace = d.config.profile().Namespace
	removed, err := ensemble.RemoveLeftovers(ctx)
	switch {
	case errors.Is(err, ensemble.ErrNoDocker) || err != nil && ctx.Err() != nil:
		return err
	case err != nil: // the next run tries again
		d.warn(fmt.Errorf("what an earlier run left behind could not be removed: %w", err))
	}
	if removed > 0 {
		d.say("removed %d containers, networks and volumes that an earlier run left behind", removed)
	}
	if d.image, err = ensemble.FindImage(ctx, d.config.Image, d.out); err != nil {
		return err
	}
	d.ensemble, err = ensemble.Start(ctx, ensemble.Config{
		Servers: d.config.Servers, TickTime: d.config.TickTime, Image: d.image,
		Run: d.containers(), SmallLog: d.config.smallLog(), Profile: d.config.profile(),
	})
	return err
}

// stored describes the bench.
func (d *docker) stored(ctx context.Context) (Stored, error) {
	v := versions()
	v.ZooKeeper = "unknown"
	if status, err := d.ensemble.Servers[0].Status(ctx); err == nil {
		v.ZooKeeper = status.Version
	}
	d.say("ensemble: %d servers, ZooKeeper %s, %s", len(d.ensemble.Servers), v.ZooKeeper, strings.TrimSpace(d.image.Reference+" "+d.image.Source))
	own, other := record.Build{Path: d.executable, Commit: v.Commit, Dirty: v.Dirty}, record.Build{}
	if d.config.Mixed != "" {
		var err error
		if other, err = otherBuild(d.config.Mixed); err != nil {
			return Stored{}, err
		}
	}
	builds := d.config.builds(own, other)
	if len(builds) > 0 {
		d.say("builds: %v", builds)
	}
	return Stored{Builds: builds, Started: d.started.UTC(), Versions: v, Pulled: d.image, Addresses: d.ensemble.Addresses()}, nil
}

// member implements bench.
func (d *docker) member(name string, role subject.Role, n int) (member, error) {
	p := &process{name: name, role: role, run: d, started: new(atomic.Int32), executable: d.executable}
	if d.config.isOther(n) {
		p.executable = d.config.Mixed
	}
	return p, p.connect()
}

// clock implements bench.
func (d *docker) clock() string { return "" }

// healServers implements bench.
func (d *docker) healServers(ctx context.Context) error { return d.ensemble.HealAll(ctx) }

// serves implements bench.
func (d *docker) serves(ctx context.Context) error {
	if d.ensemble.IsExternal() {
		_, err := d.observer.Must(ctx, zkapi.Sync("/"))
		return err
	}
	return d.ensemble.WaitServing(ctx, len(d.ensemble.Servers))
}

// close implements bench.
func (d *docker) close(ctx context.Context) error {
	d.work.Wait()
	var errs []error
	if d.sink != nil {
		errs = append(errs, d.sink.Close())
	}
	if d.names != nil {
		errs = append(errs, d.names.Close())
	}
	if d.observer != nil {
		if d.ensemble.IsExternal() {
			errs = append(errs, d.observer.removeTree(ctx))
		}
		d.observer.Close(ctx)
	}
	if d.ensemble != nil {
		errs = append(errs, d.ensemble.Stop(ctx))
	}
	return errors.Join(errs...)
}

// Settings implements nemesis.Bench.
func (d *docker) Settings() nemesis.Settings {
	s := d.settings()
	s.Offers, s.Patience, s.Holders = nemesis.Machines|nemesis.Connections|nemesis.Servers, d.config.patience(), d.config.holders()
	return s
}

// Ensemble implements nemesis.Bench.
func (d *docker) Ensemble() nemesis.Ensemble { return realServers{d} }
