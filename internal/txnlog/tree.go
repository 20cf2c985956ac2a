package txnlog

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
)

// Node is a znode as a client sees it, without the parts in which two servers may
// differ.
type Node struct {
	Path     string
	Data     string
	Czxid    int64
	Mzxid    int64
	Pzxid    int64
	Version  int32
	Cversion int32
	Owner    int64 // session of an ephemeral
}

// Digest is sha256 over znodes in the order in which they come, in hex.
func Digest(nodes iter.Seq[Node]) string {
	sum := sha256.New()
	var b []byte
	for n := range nodes {
		b = binary.BigEndian.AppendUint32(b[:0], uint32(len(n.Path)))
		b = append(b, n.Path...)
		b = binary.BigEndian.AppendUint32(b, uint32(len(n.Data)))
		b = append(b, n.Data...)
		for _, v := range []int64{n.Czxid, n.Mzxid, n.Pzxid, int64(n.Version), int64(n.Cversion), n.Owner} {
			b = binary.BigEndian.AppendUint64(b, uint64(v))
		}
		sum.Write(b)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// znode is a node as a server keeps it: cversion counts the children that were ever
// created, and owner has other values than sessions.
type znode struct {
	data                        []byte
	czxid, mzxid, pzxid         int64
	ctime, mtime                int64
	version, cversion, aversion int32
	owner                       int64
	children                    int32
}

// Owners that are not sessions.
const (
	containerOwner = math.MinInt64
	ttlMask        = -1 << 56 // 0xff00000000000000
)

func (n *znode) isEphemeral() bool {
	return n.owner != 0 && n.owner != containerOwner && n.owner&ttlMask != ttlMask
}

// digest is the znode's part of ZooKeeper's own digest. Znodes below /zookeeper have
// none.
func (n *znode) digest(path string) uint64 {
	if strings.HasPrefix(path, internalPrefix) {
		return 0
	}
	sum := crc32.ChecksumIEEE([]byte(path))
	sum = crc32.Update(sum, crc32.IEEETable, n.data)
	return uint64(crc32.Update(sum, crc32.IEEETable, n.appendStat(nil)))
}

// The subtrees that each server keeps for itself: configuration and quotas.
const (
	internalNode   = "/zookeeper"
	internalPrefix = internalNode + "/"
)

// Tree is the tree of a server. The zero value is not usable; see [NewTree].
type Tree struct {
	nodes      map[string]*znode // the root is ""
	ephemerals map[int64]map[string]bool
	sum        uint64 // ZooKeeper's own digest
}

// NewTree is the tree of a new server.
func NewTree() *Tree {
	t := &Tree{nodes: map[string]*znode{}, ephemerals: map[int64]map[string]bool{}}
	for _, path := range []string{"", internalNode, "/zookeeper/quota", "/zookeeper/config"} {
		t.put(path, &znode{})
	}
	return t
}

// Nodes are the znodes in the order of their paths, without /zookeeper and everything
// below it.
func (t *Tree) Nodes() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for _, path := range slices.Sorted(maps.Keys(t.nodes)) {
			if path == internalNode || strings.HasPrefix(path, internalPrefix) {
				continue
			}
			n := t.nodes[path]
			seen := Node{
				Path: cmp.Or(path, "/"), Data: string(n.data), Czxid: n.czxid, Mzxid: n.mzxid, Pzxid: n.pzxid,
				Version: n.version, Cversion: 2*n.cversion - n.children,
			}
			if n.isEphemeral() {
				seen.Owner = n.owner
			}
			if !yield(seen) {
				return
			}
		}
	}
}

// Agrees reports whether the tree is the one that the leader expected after t; true if
// the leader left no digest.
func (t *Tree) Agrees(after *Txn) bool { return !after.HasDigest || after.Digest == t.sum }

// Apply applies a transaction, as a server does. A change that cannot be made is
// ignored, because a tree from a snapshot may have it already.
func (t *Tree) Apply(txn *Txn) {
	if txn.Opcode == CloseSession {
		for _, path := range txn.Paths {
			t.delete(path, txn.Zxid)
		}
		for path := range t.ephemerals[txn.Session] {
			t.delete(path, txn.Zxid)
		}
		delete(t.ephemerals, txn.Session)
		return
	}
	if _, refused := txn.Refused(); refused {
		return
	}
	for i := range txn.Parts {
		t.apply(txn, &txn.Parts[i])
	}
}

func (t *Tree) apply(txn *Txn, p *Part) {
	switch p.Opcode {
	case Create, Create2, CreateContainer, CreateTTL:
		t.create(txn, p)
	case Delete, DeleteContainer:
		t.delete(p.Path, txn.Zxid)
	case Set, Reconfig:
		t.change(p.Path, func(n *znode) { n.data, n.version, n.mtime, n.mzxid = p.Data, p.Version, txn.TimeMs, txn.Zxid })
	case SetACL:
		t.change(p.Path, func(n *znode) { n.aversion = p.Version })
	}
}

// change alters a znode, if it exists.
func (t *Tree) change(path string, alter func(*znode)) {
	if path == "/" {
		path = ""
	}
	if n := t.nodes[path]; n != nil {
		t.sum -= n.digest(path)
		alter(n)
		t.sum += n.digest(path)
	}
}

func (t *Tree) create(txn *Txn, p *Part) {
	n := &znode{data: p.Data, czxid: txn.Zxid, mzxid: txn.Zxid, pzxid: txn.Zxid, ctime: txn.TimeMs, mtime: txn.TimeMs}
	switch {
	case p.Opcode == CreateContainer:
		n.owner = containerOwner
	case p.Opcode == CreateTTL:
		n.owner = ttlMask | p.TTLMs
	case p.Ephemeral:
		n.owner = txn.Session
	}
	parent := parentOf(p.Path)
	if t.nodes[parent] == nil {
		return
	}
	there := t.nodes[p.Path] != nil
	if there && p.Opcode != Create {
		return // ZooKeeper corrects the parent after this one kind only
	}
	t.change(parent, func(n *znode) {
		cversion := p.ParentCversion
		if cversion == -1 {
			cversion = n.cversion + 1
		}
		if cversion > n.cversion {
			n.cversion, n.pzxid = cversion, txn.Zxid
		}
	})
	if !there {
		t.put(p.Path, n)
	}
}

func (t *Tree) delete(path string, zxid int64) {
	parent := parentOf(path)
	t.change(parent, func(n *znode) { n.pzxid = max(n.pzxid, zxid) })
	n := t.nodes[path]
	if n == nil || path == "" {
		return
	}
	t.sum -= n.digest(path)
	delete(t.nodes, path)
	if p := t.nodes[parent]; p != nil {
		p.children--
	}
	if n.isEphemeral() {
		delete(t.owned(n.owner), path)
	}
}

// owned are the ephemerals of a session.
func (t *Tree) owned(session int64) map[string]bool {
	if t.ephemerals[session] == nil {
		t.ephemerals[session] = map[string]bool{}
	}
	return t.ephemerals[session]
}
