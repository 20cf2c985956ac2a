package harness

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/txnlog"
	"github.com/ringmaster-zk/ringmaster/record"
)

func TestCommitted_InTheTermsOfTheHistory(t *testing.T) {
	entry := func(opcode txnlog.Opcode, parts ...txnlog.Part) txnlog.Entry {
		return txnlog.Entry{Txn: &txnlog.Txn{Session: 0x1f, Cxid: 3, Zxid: 9, TimeMs: 2, Opcode: opcode, Parts: parts}, Servers: []string{"zk2"}}
	}
	commit := func(kind string, refusal record.Refusal, ops ...record.Op) record.Commit {
		return record.Commit{Zxid: 9, Session: "0x1f", Xid: 3, At: 2 * time.Millisecond, Servers: []string{"zk2"}, Kind: kind, Error: refusal, Ops: ops}
	}
	for name, c := range map[string]struct {
		entry     txnlog.Entry
		namespace string
		want      record.Commit
		ours      bool
	}{
		"multi": {
			entry(txnlog.Multi, txnlog.Part{Opcode: txnlog.Check, Path: "/a", Version: 5}, txnlog.Part{Opcode: txnlog.Set, Path: "/b", Data: []byte("x"), Version: 7},
				txnlog.Part{Opcode: txnlog.Create, Path: "/c", Ephemeral: true}, txnlog.Part{Opcode: txnlog.Delete, Path: "/d"}), "",
			commit(record.CommitWrite, "", record.Op{Kind: "check", Path: "/a", Version: 4}, record.Op{Kind: "set", Path: "/b", Data: "x", Got: 7},
				record.Op{Kind: "create", Path: "/c", Ephemeral: true}, record.Op{Kind: "delete", Path: "/d"}), true,
		},
		"a refused multi": {
			entry(txnlog.Multi, txnlog.Part{Opcode: txnlog.Check, Path: "/a", Version: 5}, txnlog.Part{Opcode: txnlog.Failed, Code: -103}, txnlog.Part{Opcode: txnlog.Failed, Code: -2}), "",
			commit(record.CommitRefused, record.BadVersion), true,
		},
		"a refusal without a name": {entry(txnlog.Failed, txnlog.Part{Opcode: txnlog.Failed, Code: -4}), "", commit(record.CommitRefused, "-4"), true},
		"a session begins":         {entry(txnlog.CreateSession), "", commit(record.CommitOpen, ""), true},
		"a session ends":           {entry(txnlog.CloseSession), "", commit(record.CommitClose, ""), true},
		"in the namespace":         {entry(txnlog.Delete, txnlog.Part{Opcode: txnlog.Delete, Path: "/run/tasks/t"}), "/run", commit(record.CommitWrite, "", record.Op{Kind: "delete", Path: "/tasks/t"}), true},
		"the namespace itself":     {entry(txnlog.Create, txnlog.Part{Opcode: txnlog.Create, Path: "/run"}), "/run", commit(record.CommitWrite, "", record.Op{Kind: "create"}), true},
		"in another namespace":     {entry(txnlog.Delete, txnlog.Part{Opcode: txnlog.Delete, Path: "/runner/tasks/t"}), "/run", commit(record.CommitWrite, ""), false},
		"ZooKeeper's own":          {entry(txnlog.Set, txnlog.Part{Opcode: txnlog.Reconfig, Path: "/zookeeper/config"}), "", commit(record.CommitWrite, ""), false},
		"no name of ZooKeeper's":   {entry(txnlog.Delete, txnlog.Part{Opcode: txnlog.Delete, Path: "/zookeepers"}), "", commit(record.CommitWrite, "", record.Op{Kind: "delete", Path: "/zookeepers"}), true},
	} {
		if got, ours := commitFrom(c.entry, c.namespace); ours != c.ours || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", name, got, ours)
		}
	}
}

// TestCommitted_IsConfirmedByTheTree carries out the logs of a real ensemble, whole and with
// something left out.
func TestCommitted_IsConfirmedByTheTree(t *testing.T) {
	const last = 0x300000005
	s, err := txnlog.ReadServer("zk1", "../txnlog/testdata/zk1")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := s.Replay(last)
	if err != nil {
		t.Fatal(err)
	}
	served := []record.ServerState{{Name: "zk1", Served: "another"}, {Name: "zk2", Served: txnlog.Digest(tree.Nodes())}}
	whole := txnlog.Merge([]*txnlog.Server{s}, last, txnlog.FromOne)
	if err := confirm(whole, served); err != nil {
		t.Error(err)
	}
	if err := confirm(whole, served[:1]); err == nil || !strings.Contains(err.Error(), "no server serves") {
		t.Errorf("another tree is served: %v", err)
	}
	without := &txnlog.Order{Committed: slices.Delete(slices.Clone(whole.Committed), 1, 2)}
	if err := confirm(without, served); err == nil || !strings.Contains(err.Error(), "until 0x100000003") {
		t.Errorf("one is left out: %v", err)
	}
	without.Gaps = []txnlog.Gap{{From: 1, To: 2}}
	if err := confirm(without, served); err != nil {
		t.Errorf("a hole is known of: %v", err)
	}
}

// TestMemory_RecordsCommits: its record says of a write what a log would say.
func TestMemory_RecordsCommits(t *testing.T) {
	ops := []record.Op{{Kind: "check", Path: "/a", Version: 4}, {Kind: "delete", Path: "/b", Version: 2}, {Kind: "create", Path: "/c-1", Sequential: true}}
	for kind, c := range map[string]struct {
		exchange record.Exchange
		ops      []record.Op
	}{
		record.CommitWrite:   {record.Exchange{Ops: ops}, []record.Op{{Kind: "check", Path: "/a", Version: 4}, {Kind: "delete", Path: "/b"}, {Kind: "create", Path: "/c-1"}}},
		record.CommitRefused: {record.Exchange{Ops: ops, Error: record.NoNode}, nil},
		record.CommitClose:   {record.Exchange{Close: true}, nil},
	} {
		c.exchange.Zxid, c.exchange.Session = 9, "0x1"
		want := record.Commit{Zxid: 9, Session: "0x1", Kind: kind, Error: c.exchange.Error, Ops: c.ops}
		if got := commitOf(c.exchange); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v", kind, got)
		}
	}
	if !ops[2].Sequential || ops[1].Version != 2 {
		t.Error("the exchange was changed")
	}
}
