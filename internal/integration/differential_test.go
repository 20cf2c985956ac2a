package integration

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	model "github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// lanes is how many sequences run at a time: most of a write's time is waiting.
const lanes = 16

// TestModel_AgreesWithServe does the same on model/zk and, by the library, on three servers
// of model/zk/serve. They have the same tree, so that this is a test of all that is between
// the tree and a client; and it needs no Docker engine.
func TestModel_AgreesWithServe(t *testing.T) {
	checks := usualChecks
	if testing.Short() {
		checks = "10" // of which rapid then does a fifth
	}
	setDefault(t, "rapid.checks", checks)
	setDefault(t, "rapid.steps", usualSteps)
	agree(t, "serve "+serve.Version, zktest.Start(t, serve.Options{Members: 3, TickTime: longTick}).Addresses(), usualVolume)
}

// What is compared unless RINGMASTER_NIGHTLY=1.
const (
	usualVolume = 3_000 // operations
	usualChecks = "2"
	usualSteps  = "60"
)

// TestModel_AgreesWithZooKeeper does the same on model/zk and on a real ensemble of
// three servers, and holds every answer, znode and watch event of the one against
// the other. What is proven of the recipe on the model is worth as much as this.
// The servers are of the version that ZOOKEEPER_VERSION names; RINGMASTER_NIGHTLY=1
// takes all versions, and many more operations.
func TestModel_AgreesWithZooKeeper(t *testing.T) {
	ensembletest.NeedDocker(t)
	nightly := os.Getenv("RINGMASTER_NIGHTLY") == "1"
	volume, checks := int64(usualVolume), usualChecks
	if nightly {
		volume, checks = 100_000, "20"
	}
	setDefault(t, "rapid.checks", checks)
	setDefault(t, "rapid.steps", usualSteps)
	onVersions(t, nightly, func(t *testing.T) {
		e := ensembletest.StartWith(t, ensemble.Config{Servers: 3, TickTime: longTick})
		status, err := e.Servers[0].Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := os.Getenv("ZOOKEEPER_VERSION"); os.Getenv("ZOOKEEPER_IMAGE") == "" && !strings.HasPrefix(status.Version, want) {
			t.Fatalf("the servers are of version %s, not %s", status.Version, want)
		}
		agree(t, "ZooKeeper "+status.Version, e.Addresses(), volume)
	})
}

// onVersions runs a comparison on the servers of the version, or of the image, that the
// environment names; nightly without such a name, on all versions.
func onVersions(t *testing.T, nightly bool, compare func(*testing.T)) {
	if os.Getenv("ZOOKEEPER_VERSION") != "" || !nightly || os.Getenv("ZOOKEEPER_IMAGE") != "" {
		compare(t)
		return
	}
	for _, version := range []string{"3.9", "3.8"} {
		t.Run(version, func(t *testing.T) {
			t.Setenv("ZOOKEEPER_VERSION", version)
			compare(t)
		})
	}
}

// longTick is the tick of the servers that are compared. Only the test ends sessions, and
// no session may time out while the machine is busy with other tests.
const longTick = 2 * time.Second

// agree compares at least volume operations with three servers of that name.
func agree(t *testing.T, name string, addresses []string, volume int64) {
	var guides []*client
	for _, address := range addresses {
		guide, err := connect(address)
		if guide != nil {
			defer guide.release()
		}
		if err != nil {
			t.Fatal(err)
		}
		guides = append(guides, guide)
	}
	var n tally
	start := time.Now()
	var group sync.WaitGroup
	for lane := range lanes {
		group.Go(func() {
			for round := 0; n.requests.Load() < volume && !t.Failed(); round++ {
				t.Run(fmt.Sprintf("%d-%d", lane, round), func(t *testing.T) {
					rapid.Check(t, func(r *rapid.T) { sequence(t.Context(), r, addresses, guides, &n) })
				})
			}
		})
	}
	group.Wait()
	t.Run("odd", func(t *testing.T) { oddRequests(t, addresses, guides, &n) })
	if first := n.difference.Load(); first != nil {
		t.Errorf("the first difference, before rapid reduced it:\n%s", *first)
	}
	t.Logf("%s: %v, in %v", name, &n, time.Since(start).Round(time.Second))
	if n.disturbed.Load() > 1+n.sequences.Load()/50 {
		t.Errorf("%d of %d sequences were given up because the ensemble did not answer", n.disturbed.Load(), n.sequences.Load())
	}
}

// setDefault sets a flag until the test ends, unless the command line does.
func setDefault(t *testing.T, name, value string) {
	t.Helper()
	f := flag.Lookup(name)
	before := f.Value.String()
	if before != f.DefValue {
		return
	}
	if err := f.Value.Set(value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Value.Set(before) })
}

// actions are what a step may be; the simplest are first, as a failing sequence is
// reduced to those.
var actions = []struct {
	name   string
	weight int
	act    func(*pair)
}{
	{"read", 22, (*pair).drawRead},
	{"watch", 8, (*pair).drawWatch},
	{"create", 20, func(p *pair) { p.draw1(p.drawCreate) }},
	{"delete", 10, func(p *pair) { p.draw1(p.drawDelete) }},
	{"set", 10, func(p *pair) { p.draw1(p.drawSet) }},
	{"multi", 12, (*pair).drawMulti},
	{"sync", 2, func(p *pair) { p.sync(p.drawUp()) }},
	{"open", 2, (*pair).drawOpen},
	{"close", 1, func(p *pair) { p.close(p.drawUp()) }},
	{"move", 4, func(p *pair) { x := p.drawUp(); p.cutOff(x); p.drawMend(x) }},
	{"cut", 3, func(p *pair) { p.cutOff(p.drawUp()) }},
	{"mend", 6, func(p *pair) { p.drawMend(nil) }},
	{"miss", 3, (*pair).drawMiss},
	{"expire", 1, (*pair).drawExpire},
}

// pick draws each with the same probability. rapid itself prefers what is first
// and last, so that sequences would do little of what is between.
func pick[T any](t *rapid.T, label string, from ...T) T {
	return rapid.Custom(func(t *rapid.T) T {
		n := 0
		for range 8 {
			n *= 2
			if rapid.Bool().Draw(t, "bit") {
				n++
			}
		}
		return from[n*len(from)>>8]
	}).Draw(t, label)
}

// sequence is one sequence of operations.
func sequence(ctx context.Context, t *rapid.T, addresses []string, guides []*client, n *tally) {
	p := newPair(t, ctx, addresses, guides, n)
	p.draws = t
	n.sequences.Add(1)
	for range pick(t, "sessions", 2, 3) {
		p.drawOpen()
	}
	if p.disturbed {
		return
	}
	p.write(p.twins[0], zkapi.Create(p.root, nil, zkapi.Persistent))
	var names []string
	byName := map[string]func(*pair){}
	for _, a := range actions {
		names = append(names, slices.Repeat([]string{a.name}, a.weight)...)
		byName[a.name] = a.act
	}
	t.Repeat(map[string]func(*rapid.T){"step": func(t *rapid.T) {
		if !p.disturbed {
			byName[pick(t, "action", names...)](p)
		}
	}})
	p.finish()
}

// finish compares what is left: the watch events under way, and every znode.
func (p *pair) finish() {
	if p.disturbed {
		return
	}
	p.open(0)
	last := p.twins[len(p.twins)-1]
	for _, x := range p.twins {
		if x.cut && !p.disturbed {
			p.mend(x, 0)
		}
	}
	for _, x := range p.twins {
		if !x.ended && !p.disturbed {
			p.sync(x)
		}
	}
	for _, path := range p.existing(p.server.Tree()) {
		for _, op := range []zkapi.Op{zkapi.Get(path), zkapi.Children(path)} {
			if !p.disturbed {
				p.glance(last, op)
			}
		}
	}
	for _, x := range p.twins {
		if !x.ended && !p.disturbed {
			p.close(x)
		}
	}
}

// existing lists the znodes of the sequence, the root first.
func (p *pair) existing(tree model.Tree) []string {
	var paths []string
	for path := range tree.All() {
		if strings.HasPrefix(path, p.root) {
			paths = append(paths, path)
		}
	}
	return paths
}

// live lists the sessions that have not ended, and are cut off or not.
func (p *pair) live(cut bool) []*twin {
	return slices.DeleteFunc(slices.Clone(p.twins), func(x *twin) bool { return x.ended || x.cut != cut })
}

// drawUp draws a session that is connected, and makes sure that there is one.
func (p *pair) drawUp() *twin {
	if len(p.live(false)) == 0 {
		if cut := p.live(true); len(cut) == 4 {
			p.mend(cut[0], 0)
		}
		p.open(0)
	}
	if up := p.live(false); len(up) > 0 {
		return pick(p.draws, "session", up...)
	}
	p.t.Skip("nobody is connected") // the opening was given up
	return nil
}

func (p *pair) drawServer() int {
	return pick(p.draws, "server", 0, 1, 2)
}

func (p *pair) drawOpen() {
	if len(p.live(false))+len(p.live(true)) < 4 {
		p.open(p.drawServer())
	}
}

// drawMend mends x, or somebody who is cut off.
func (p *pair) drawMend(x *twin) {
	if cut := p.live(true); x == nil && len(cut) > 0 {
		x = pick(p.draws, "cut", cut...)
	}
	if x != nil && !p.disturbed {
		p.mend(x, p.drawServer())
	}
}

// drawExpire expires a session that is cut off already or is now.
func (p *pair) drawExpire() {
	cut := slices.DeleteFunc(p.live(true), func(x *twin) bool { return x.expired })
	if len(cut) == 0 || pick(p.draws, "connected", true, false) {
		x := p.drawUp()
		p.cutOff(x)
		cut = []*twin{x}
	}
	if !p.disturbed {
		p.expire(cut[0], p.drawServer())
	}
}

// drawPath draws a path, more often than not one that exists.
func (p *pair) drawPath(tree model.Tree, below bool) string {
	if pick(p.draws, "any path", false, false, false, false, true) {
		return p.root + pick(p.draws, "path", "/a", "/b", "/a/a", "/a/b", "/b/a", "/a/a/a")
	}
	paths := p.existing(tree)
	if below && len(paths) > 1 {
		paths = paths[1:]
	}
	return pick(p.draws, "existing", paths...)
}

// drawVersion draws a version: any, the right one, or a wrong one.
func (p *pair) drawVersion(tree model.Tree, path string) int32 {
	found, _ := tree.Read(zkapi.Exists(path))
	right := found.Stat.Version
	return pick(p.draws, "version", right, right, zkapi.AnyVersion, zkapi.AnyVersion, right+1, right-1)
}

func (p *pair) drawData() []byte {
	return []byte(pick(p.draws, "data", "", "1", "22", "333"))
}

func (p *pair) drawCreate(tree model.Tree) zkapi.Op {
	mode := pick(p.draws, "mode", zkapi.Persistent, zkapi.Persistent, zkapi.Ephemeral, zkapi.PersistentSequential, zkapi.EphemeralSequential)
	parent := p.drawPath(tree, false)
	if strings.Count(parent, "/") > 3 {
		parent = p.root
	}
	names := []string{"a", "b", "c"}
	if mode == zkapi.PersistentSequential || mode == zkapi.EphemeralSequential {
		names = []string{"q-", "a", ""}
	}
	return zkapi.Create(parent+"/"+pick(p.draws, "name", names...), p.drawData(), mode)
}

func (p *pair) drawDelete(tree model.Tree) zkapi.Op {
	path := p.drawPath(tree, true)
	if path == p.root {
		path += "/a" // the root stays
	}
	return zkapi.Delete(path, p.drawVersion(tree, path))
}

func (p *pair) drawSet(tree model.Tree) zkapi.Op {
	path := p.drawPath(tree, false)
	return zkapi.Set(path, p.drawData(), p.drawVersion(tree, path))
}

func (p *pair) drawCheck(tree model.Tree) zkapi.Op {
	path := p.drawPath(tree, false)
	return zkapi.Check(path, p.drawVersion(tree, path))
}

// draw1 has a session do one write.
func (p *pair) draw1(op func(model.Tree) zkapi.Op) {
	x := p.drawUp()
	p.write(x, op(p.server.Tree()))
}

// drawMulti draws each part as if those before it had been done.
func (p *pair) drawMulti() {
	x, tree := p.drawUp(), p.server.Tree()
	var parts []zkapi.Op
	for range pick(p.draws, "parts", 1, 2, 3, 4, 5) {
		draw := pick(p.draws, "part", p.drawCreate, p.drawDelete, p.drawSet, p.drawCheck)
		op := draw(tree)
		parts = append(parts, op)
		tree, _, _, _ = tree.Write(op, x.model.ID())
	}
	p.write(x, zkapi.Multi(parts...))
}

func (p *pair) drawRead() {
	x := p.drawUp()
	read := pick(p.draws, "read", zkapi.Exists, zkapi.Get, zkapi.Children)
	op := read(p.drawPath(p.server.Tree(), false))
	switch pick(p.draws, "how", 0, 1, 2, 3, 4, 5) {
	case 0:
		p.read(x, op)
	case 1:
		p.glance(x, op)
	default:
		p.read(x, op.Watched())
	}
}

// drawWatch has everybody watch all that there is to one znode.
func (p *pair) drawWatch() {
	path := p.drawPath(p.server.Tree(), false)
	for _, x := range p.live(false) {
		for _, op := range []zkapi.Op{zkapi.Exists(path), zkapi.Children(path)} {
			if !p.disturbed {
				p.read(x, op.Watched())
			}
		}
	}
}

// drawMiss has somebody watch a znode, and miss what others do to it.
func (p *pair) drawMiss() {
	if len(p.live(false)) < 2 {
		p.drawOpen()
	}
	x, path := p.drawUp(), p.drawPath(p.server.Tree(), true)
	if path == p.root || len(p.live(false)) < 2 {
		return
	}
	for _, read := range []func(string) zkapi.Op{zkapi.Exists, zkapi.Children} {
		if !p.disturbed && pick(p.draws, "watched", true, false) {
			p.read(x, read(path).Watched())
		}
	}
	if !p.disturbed {
		p.cutOff(x)
	}
	for range pick(p.draws, "writes", 1, 2, 3) {
		op := pick(p.draws, "write",
			zkapi.Create(path, nil, zkapi.Persistent), zkapi.Delete(path, zkapi.AnyVersion),
			zkapi.Set(path, nil, zkapi.AnyVersion), zkapi.Create(path+"/q-", nil, zkapi.PersistentSequential))
		if !p.disturbed {
			p.write(p.drawUp(), op)
		}
	}
	p.drawMend(x)
}

// oddRequests are those that no sequence has: a fixed list, each on its own.
func oddRequests(t *testing.T, addresses []string, guides []*client, n *tally) {
	p := newPair(t, t.Context(), addresses, guides, n)
	p.open(0)
	if p.disturbed {
		t.Fatal("no session")
	}
	at := func(path string) string { return p.root + path }
	for _, op := range append([]zkapi.Op{
		zkapi.Create(p.root, nil, zkapi.Persistent),
		zkapi.Multi(),
		zkapi.Multi(zkapi.Check(p.root, 0), zkapi.Check(p.root, zkapi.AnyVersion)),
		zkapi.Multi(zkapi.Check(at("/none"), zkapi.AnyVersion)),
		zkapi.Create("/", nil, zkapi.Persistent),
		zkapi.Delete("/", zkapi.AnyVersion),
		zkapi.Multi(zkapi.Delete("/", zkapi.AnyVersion)),
		zkapi.Create("", nil, zkapi.Persistent),
		zkapi.Create("relative", nil, zkapi.Persistent),
		zkapi.Create(at("/"), nil, zkapi.Persistent),
		zkapi.Create(at("//a"), nil, zkapi.Persistent),
		zkapi.Create(at("/./a"), nil, zkapi.Persistent),
		zkapi.Create(at("/.."), nil, zkapi.Persistent),
		zkapi.Create(at("/"), nil, zkapi.PersistentSequential),
		zkapi.Create(at("/none/"), nil, zkapi.EphemeralSequential),
		zkapi.Create(at("/e"), []byte("data"), zkapi.Ephemeral),
		zkapi.Create(at("/e/"), nil, zkapi.EphemeralSequential),
		zkapi.Set(at("/e"), nil, -2),
		zkapi.Delete(at("/e"), -2),
		zkapi.Delete(p.root, 7),
		zkapi.Delete(p.root, zkapi.AnyVersion),
		zkapi.Get(at("/none")).Watched(),
		zkapi.Create(at("/none"), nil, zkapi.Persistent),
	}, illFormed(p.root)...) {
		switch {
		case p.disturbed:
			t.Fatal("the real ensemble did not answer")
		case op.Kind.Writes():
			p.write(p.twins[0], op)
		default:
			p.read(p.twins[0], op)
		}
	}
	p.finish()
}

// illFormed are requests with paths that no server takes. The library refuses most of them
// itself, and sends each in a multi.
func illFormed(root string) []zkapi.Op {
	ops := []zkapi.Op{zkapi.Create(root+"/leaf", []byte("data"), zkapi.Persistent)}
	for _, path := range []string{
		"", "relative", root + "/", root + "/leaf/", root + "//x", root + "/leaf//b", root + "/.", root + "/..", root + "/leaf/../b",
		root + "/\x1e", root + "/\x7f", root + "/\u0085", root + "/\ue000", root + "/\uf8ff", root + "/\uffff", root + "/\U0001f600",
	} {
		for _, op := range []zkapi.Op{
			zkapi.Create(path, nil, zkapi.Persistent), zkapi.Delete(path, zkapi.AnyVersion), zkapi.Set(path, nil, zkapi.AnyVersion), zkapi.Check(path, zkapi.AnyVersion),
		} {
			if op.Kind != zkapi.KindCheck {
				ops = append(ops, op)
			}
			ops = append(ops, zkapi.Multi(op))
		}
		ops = append(ops, zkapi.Get(path), zkapi.Exists(path), zkapi.Children(path))
	}
	for _, path := range []string{root + "//x", root + "/leaf/../b", root + "/.", root + "/\x7f"} {
		ops = append(ops, zkapi.Multi(zkapi.Create(path, nil, zkapi.EphemeralSequential)))
	}
	return ops
}
