package peers

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Programs for queues, locks and elections on ZooKeeper, and what they run with.
const (
	kazooQueue     = "kazoo_queue.py"
	kazooContend   = "kazoo_contend.py"
	curatorQueue   = "CuratorQueue.java"
	curatorContend = "CuratorContend.java"
	python         = "/usr/bin/python3" // Debian's, whose packages have kazoo
	kazooClient    = "/usr/lib/python3/dist-packages/kazoo/client.py"
	archives       = "/usr/share/java/" // of Debian's Java packages
	window         = 12                 // seconds that a drain is watched at most
)

// kazoo prepares a program for kazoo.
func (f finder) kazoo(program string) func(context.Context, *Place) error {
	return func(_ context.Context, p *Place) error {
		if err := f.need(file{python, "Python 3"}, file{kazooClient, "kazoo"}); err != nil {
			return err
		}
		path, err := f.program(program)
		p.kazoo = path
		return err
	}
}

// measureKazoo runs that program. part says which part of it; empty if it has one only.
func measureKazoo(part string) func(context.Context, *Place, Job) ([]Figure, error) {
	return func(ctx context.Context, p *Place, job Job) ([]Figure, error) {
		return p.onZooKeeper(ctx, job, part, python, p.kazoo)
	}
}

// curator compiles a program for Curator.
func (f finder) curator(program string) func(context.Context, *Place) error {
	return func(ctx context.Context, p *Place) error {
		needed := []file{{"javac", "a JDK"}, {"java", "a JDK"}}
		path := []string{p.Folder}
		for _, archive := range []string{"curator-recipes", "curator-framework", "curator-client", "zookeeper", "zookeeper-jute", "guava", "slf4j-api", "slf4j-nop"} {
			needed = append(needed, file{archives + archive + ".jar", "Curator (" + archive + ".jar)"})
			path = append(path, archives+archive+".jar")
		}
		if err := f.need(needed...); err != nil {
			return err
		}
		source, err := f.program(program)
		if err != nil {
			return err
		}
		p.classes, p.curator = strings.Join(path, ":"), strings.TrimSuffix(program, filepath.Ext(program))
		return p.complete(ctx, exec.Command(f("javac"), "-nowarn", "-cp", p.classes, "-d", p.Folder, source), p.Folder, nil)
	}
}

// measureCurator runs that program, as measureKazoo does.
func (f finder) measureCurator(part string) func(context.Context, *Place, Job) ([]Figure, error) {
	return func(ctx context.Context, p *Place, job Job) ([]Figure, error) {
		return p.onZooKeeper(ctx, job, part, f("java"), "-cp", p.classes, p.curator)
	}
}

// onZooKeeper measures one part of a program on the ensemble.
func (p *Place) onZooKeeper(ctx context.Context, job Job, part, program string, args ...string) ([]Figure, error) {
	var crowds []string
	for _, n := range job.Crowds {
		crowds = append(crowds, strconv.Itoa(n))
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "PEERS_SERVER="+strings.Join(job.ZooKeeper, ","), "PEERS_BELOW="+job.Below, "PEERS_PART="+part, "PEERS_CROWDS="+strings.Join(crowds, ","))
	for name, n := range map[string]int{"TASKS": job.Tasks, "FEW": job.Few, "LONE": job.Lone, "WINDOW": cmp.Or(job.Seconds, window), "HANDOVERS": job.Handovers} {
		cmd.Env = append(cmd.Env, "PEERS_"+name+"="+strconv.Itoa(n))
	}
	return p.run(ctx, cmd)
}
