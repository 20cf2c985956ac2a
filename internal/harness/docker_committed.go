package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/txnlog"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// finalTree reads the final tree, and the tree of each server, all after the same zxid.
// Sessions of dead participants may still end meanwhile. Each end is a write; then it
// reads again.
func (d *docker) finalTree(ctx context.Context, evidence *record.Evidence) error {
	if d.ensemble.IsExternal() {
		nodes, err := d.observer.tree(ctx)
		evidence.Nodes = append([]record.Node{}, nodes...)
		evidence.Order = record.FromTree
		return err
	}
	var alone []*observer
	for _, s := range d.ensemble.Servers {
		o, err := d.newObserver([]string{s.Address})
		if err != nil {
			return err
		}
		defer o.Close(context.WithoutCancel(ctx))
		if _, err := o.Must(ctx, zkapi.Exists("/")); err != nil { // opening a session is a write
			return err
		}
		alone = append(alone, o)
	}
	for {
		before, err := d.agreed(ctx)
		if err != nil {
			return err
		}
		nodes, err := d.observer.tree(ctx)
		if err != nil {
			return err
		}
		evidence.Nodes, evidence.Servers = append([]record.Node{}, nodes...), nil
		for i, s := range d.ensemble.Servers {
			served, err := alone[i].digest(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
			evidence.Servers = append(evidence.Servers, record.ServerState{Name: s.Name, Served: served})
		}
		after, err := d.agreed(ctx)
		if err != nil {
			return err
		}
		if before == after {
			evidence.Last = after
			return nil
		}
	}
}

// agreed waits until all servers have applied the same transaction, and returns its
// zxid.
func (d *docker) agreed(ctx context.Context) (int64, error) {
	if err := d.ensemble.WaitAgreed(ctx); err != nil {
		return 0, err
	}
	status, err := d.ensemble.Servers[0].Status(ctx)
	if err != nil {
		return 0, err
	}
	zxid, err := strconv.ParseInt(status.Zxid, 0, 64)
	if err != nil {
		return 0, fmt.Errorf("harness: zxid of %s: %w", d.ensemble.Servers[0].Name, err)
	}
	return zxid, nil
}

// digest is the digest of the whole tree, as package txnlog computes it.
func (o *observer) digest(ctx context.Context) (string, error) {
	var nodes []txnlog.Node
	err := o.walk(ctx, []string{"/"}, func(p string, got zkapi.Result) {
		s := got.Stat
		nodes = append(nodes, txnlog.Node{
			Path: p, Data: string(got.Data), Czxid: s.Czxid, Mzxid: s.Mzxid, Pzxid: s.Pzxid,
			Version: s.Version, Cversion: s.Cversion, Owner: s.EphemeralOwner,
		})
	})
	slices.SortFunc(nodes, func(a, b txnlog.Node) int { return strings.Compare(a.Path, b.Path) })
	return txnlog.Digest(slices.Values(nodes)), err
}

// externalWeaker says why an external ensemble has no file of commits.
const externalWeaker = "the ensemble is external, so the disks of its servers cannot be read"

// committed copies the files on the servers' disks and writes the file of committed
// transactions from them. If that fails, the evidence says so and why.
func (d *docker) committed(ctx context.Context, evidence *record.Evidence) error {
	logs := filepath.Join(d.dir, record.LogsFolder)
	if d.ensemble.IsExternal() {
		evidence.Weaker = externalWeaker
		return nil
	}
	if evidence.Last == 0 {
		evidence.Weaker = "the servers did not reach the same transaction"
		return d.ensemble.SaveEvidence(ctx, logs)
	}
	servers, err := d.copyLogs(ctx, logs, evidence)
	if err == nil {
		err = d.describeServers(evidence, servers)
	}
	if err != nil {
		evidence.Order, evidence.Weaker = record.FromTree, "the servers' logs could not be read: "+err.Error()
		if gone := os.Remove(filepath.Join(d.dir, record.CommittedFile)); gone != nil && !errors.Is(gone, os.ErrNotExist) { // a part of it
			err = errors.Join(err, gone)
		}
		return err
	}
	evidence.Order = record.FromLogs
	return nil
}

// copyLogs copies and reads the servers' files. A server writes its log to the disk a
// moment after it has applied the transactions in it, so copyLogs may have to try
// again. A server whose files cannot be read at all is noted as such.
func (d *docker) copyLogs(ctx context.Context, dir string, evidence *record.Evidence) ([]*txnlog.Server, error) {
	for {
		if err := d.ensemble.SaveEvidence(ctx, dir); err != nil {
			return nil, err
		}
		var servers []*txnlog.Server
		late := -1
		for i, s := range d.ensemble.Servers {
			read, err := txnlog.ReadServer(s.Name, filepath.Join(dir, s.Name))
			if err != nil {
				evidence.Servers[i].Problem = err.Error()
				return nil, err
			}
			servers = append(servers, read)
			if read.Last() < evidence.Last {
				late = i
			}
		}
		if late < 0 {
			return servers, nil
		}
		if !wait(ctx, 500*time.Millisecond) {
			err := fmt.Errorf("harness: %s serves 0x%x, but its disk ends before it", d.ensemble.Servers[late].Name, evidence.Last)
			evidence.Servers[late].Problem = err.Error()
			return nil, err
		}
	}
}

// describeServers completes the evidence from the servers' files, and writes the file
// of committed transactions.
func (d *docker) describeServers(evidence *record.Evidence, servers []*txnlog.Server) error {
	order := txnlog.Merge(servers, evidence.Last, d.config.profile().FirstCounter())
	evidence.Conflicts = order.Conflicts
	if err := confirm(order, evidence.Servers); err != nil {
		evidence.Servers[0].Problem = err.Error()
		return err
	}
	for _, g := range order.Gaps {
		evidence.Gaps = append(evidence.Gaps, record.ZxidRange{From: g.From, To: g.To})
	}
	for i, s := range servers {
		state := &evidence.Servers[i]
		state.Last, state.Transactions, state.LeftOut = s.Last(), len(s.Txns), s.LeftOut
		for _, why := range s.LeftOut {
			d.say("%s: a snapshot is left out, because it cannot be read: %s", s.Name, why)
		}
		if len(s.Txns) > 0 {
			state.First = s.Txns[0].Zxid
		}
		tree, err := s.Replay(evidence.Last)
		if err != nil {
			state.Problem = err.Error()
			continue
		}
		state.Replayed = txnlog.Digest(tree.Nodes())
		for _, e := range order.Uncommitted {
			if slices.Contains(e.Servers, s.Name) {
				state.Uncommitted++
			}
		}
	}
	var commits []record.Commit
	for _, e := range order.Committed {
		if c, ours := commitFrom(e, d.namespace); ours {
			commits = append(commits, c)
		}
	}
	return record.WriteCommits(filepath.Join(d.dir, record.CommittedFile), commits)
}

// confirm replays the committed transactions, and nothing else. The result must be the
// tree that the leaders expected after each transaction, and in the end the tree that a
// server serves. If not, the order of commits was read wrongly.
func confirm(order *txnlog.Order, served []record.ServerState) error {
	if len(order.Gaps) > 0 {
		return nil
	}
	tree := txnlog.NewTree()
	for _, e := range order.Committed {
		if tree.Apply(e.Txn); !tree.Agrees(e.Txn) {
			return fmt.Errorf("harness: the logs until 0x%x give another tree than the leader had", e.Zxid)
		}
	}
	digest := txnlog.Digest(tree.Nodes())
	if !slices.ContainsFunc(served, func(s record.ServerState) bool { return s.Served == digest }) {
		return fmt.Errorf("harness: the commits in the logs give a tree that no server serves")
	}
	return nil
}

// commitFrom converts a transaction into the history's terms; false if it is not about
// the namespace.
func commitFrom(e txnlog.Entry, namespace string) (record.Commit, bool) {
	c := record.Commit{
		Zxid: e.Zxid, Session: fmt.Sprintf("0x%x", e.Session), Xid: e.Cxid, At: time.Duration(e.TimeMs) * time.Millisecond,
		Servers: e.Servers, Kind: record.CommitWrite,
	}
	code, refused := e.Refused()
	switch {
	case e.Opcode == txnlog.CreateSession:
		c.Kind = record.CommitOpen
	case e.Opcode == txnlog.CloseSession:
		c.Kind = record.CommitClose
	case refused:
		c.Kind, c.Error = record.CommitRefused, refusalOf(zkapi.Answer(code))
	default:
		c.Ops = committedOps(e.Parts, namespace)
		return c, len(c.Ops) > 0
	}
	return c, true
}

// partKinds are the history's words for operations. Operations that no participant uses
// have ZooKeeper's words.
var partKinds = map[txnlog.Opcode]string{
	txnlog.Create: "create", txnlog.Create2: "create", txnlog.CreateContainer: "create", txnlog.CreateTTL: "create",
	txnlog.Delete: "delete", txnlog.DeleteContainer: "delete", txnlog.Set: "set", txnlog.Check: "check", txnlog.SetACL: "setACL", txnlog.Reconfig: "reconfig",
}

func committedOps(parts []txnlog.Part, namespace string) []record.Op {
	var ops []record.Op
	for _, p := range parts {
		path, ours := strings.CutPrefix(p.Path, namespace)
		if !ours || path != "" && path[0] != '/' {
			continue // of another namespace
		}
		if namespace == "" && (path == "/zookeeper" || strings.HasPrefix(path, "/zookeeper/")) {
			continue // ZooKeeper's own
		}
		op := record.Op{Kind: partKinds[p.Opcode], Path: path, Data: string(p.Data), Ephemeral: p.Ephemeral}
		switch p.Opcode {
		case txnlog.Set:
			op.Got = p.Version
		case txnlog.Check:
			op.Version = p.Version - 1 // the log has the version after the change
		}
		ops = append(ops, op)
	}
	return ops
}

// commitOf is the commit of an exchange that the server in memory has recorded itself.
func commitOf(e record.Exchange) record.Commit {
	c := record.Commit{Zxid: e.Zxid, Session: e.Session, Xid: e.Xid, Kind: record.CommitWrite, Error: e.Error}
	switch {
	case e.Error != "":
		c.Kind = record.CommitRefused
	case e.Close:
		c.Kind = record.CommitClose
	default:
		c.Ops = slices.Clone(e.Ops)
		for i := range c.Ops {
			c.Ops[i].Sequential = false
			if c.Ops[i].Kind != "check" {
				c.Ops[i].Version = 0
			}
		}
	}
	return c
}
