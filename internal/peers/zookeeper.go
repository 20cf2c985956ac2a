package peers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Programs for queues on ZooKeeper, and what they run with.
const (
	kazooProgram   = "kazoo_queue.py"
	curatorProgram = "CuratorQueue.java"
	python         = "/usr/bin/python3" // Debian's, whose packages have kazoo
	kazooClient    = "/usr/lib/python3/dist-packages/kazoo/client.py"
	archives       = "/usr/share/java/" // of Debian's Java packages
	window         = 12                 // seconds that a drain is watched at most
)

func (f finder) kazoo(_ context.Context, p *Place) error {
	if err := f.need(file{python, "Python 3"}, file{kazooClient, "kazoo"}); err != nil {
		return err
	}
	path, err := f.program(kazooProgram)
	p.kazoo = path
	return err
}

func measureKazoo(ctx context.Context, p *Place, job Job) ([]Figure, error) {
	return p.zooKeeperQueue(ctx, job, python, p.kazoo)
}

func (f finder) curator(ctx context.Context, p *Place) error {
	needed := []file{{"javac", "a JDK"}, {"java", "a JDK"}}
	path := []string{p.Folder}
	for _, archive := range []string{"curator-recipes", "curator-framework", "curator-client", "zookeeper", "zookeeper-jute", "guava", "slf4j-api", "slf4j-nop"} {
		needed = append(needed, file{archives + archive + ".jar", "Curator (" + archive + ".jar)"})
		path = append(path, archives+archive+".jar")
	}
	if err := f.need(needed...); err != nil {
		return err
	}
	source, err := f.program(curatorProgram)
	if err != nil {
		return err
	}
	p.classes = strings.Join(path, ":")
	return p.complete(ctx, exec.Command(f("javac"), "-nowarn", "-cp", p.classes, "-d", p.Folder, source), p.Folder, nil)
}

func (f finder) measureCurator(ctx context.Context, p *Place, job Job) ([]Figure, error) {
	return p.zooKeeperQueue(ctx, job, f("java"), "-cp", p.classes, strings.TrimSuffix(curatorProgram, filepath.Ext(curatorProgram)))
}

// zooKeeperQueue measures one of the queues on the ensemble.
func (p *Place) zooKeeperQueue(ctx context.Context, job Job, program string, args ...string) ([]Figure, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "PEERS_SERVER="+strings.Join(job.ZooKeeper, ","), "PEERS_BELOW="+job.Below)
	for name, n := range map[string]int{"TASKS": job.Tasks, "FEW": job.Few, "LONE": job.Lone, "WINDOW": window} {
		cmd.Env = append(cmd.Env, "PEERS_"+name+"="+strconv.Itoa(n))
	}
	return p.run(ctx, cmd)
}
