package txnlog

import (
	"encoding/binary"
	"fmt"
	"hash/adler32"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
)

const snapshotMagic = "ZKSN"

// ReadSnapshot reads a snapshot: the sessions, and the tree. A server serves while it
// takes a snapshot, so the tree may already have some transactions after the snapshot's
// zxid. Replaying those again gives the right tree.
//
// An unfinished snapshot of a crashed server is an error, like any other damage.
func ReadSnapshot(b []byte) (*Tree, error) {
	d := decoder{jute.Decoder{Rest: b}}
	if magic := d.Take(4); string(magic) != snapshotMagic {
		return nil, &Damage{0, fmt.Sprintf("this is no snapshot: it begins with %q", b[:min(4, len(b))])}
	}
	if v := d.Int32(); v != version && !d.Bad {
		return nil, &Damage{4, fmt.Sprintf("version %d of the format is not supported, only %d", v, version)}
	}
	d.Int64() // id of the database
	t := &Tree{nodes: map[string]*znode{}, ephemerals: map[int64]map[string]bool{}}
	const session, acl = 12, 12
	for range d.Count(session) {
		d.Int64() // id
		d.Int32() // timeout
	}
	for range d.Count(acl) {
		d.Int64() // number
		d.skipACL()
	}
	for !d.Bad {
		path := d.String()
		if path == "/" || d.Bad {
			break
		}
		n := &znode{data: d.Buffer()}
		d.Int64() // number of the ACL
		n.czxid, n.mzxid, n.ctime, n.mtime = d.Int64(), d.Int64(), d.Int64(), d.Int64()
		n.version, n.cversion, n.aversion = d.Int32(), d.Int32(), d.Int32()
		n.owner, n.pzxid = d.Int64(), d.Int64()
		if !d.Bad && !t.put(path, n) {
			return nil, &Damage{int64(len(b) - len(d.Rest)), fmt.Sprintf("znode %s comes without its parent", path)}
		}
	}
	if d.Bad {
		return nil, &Damage{int64(len(b)), "the snapshot is not whole"}
	}
	return t, sealed(b, &d)
}

// sealed checks the checksums: one behind the tree, and one behind each part that later
// versions have added, the digest of the tree and the last zxid. With
// digest.enabled=false there is no digest, with serializeLastProcessedZxid.enabled=false no
// last zxid.
func sealed(b []byte, d *decoder) error {
	const lastAlone = 8 + 13 // the last zxid, and a checksum
	for added := []int{20, 8}; ; added = added[1:] {
		at := len(b) - len(d.Rest)
		sum, end := d.Int64(), d.String()
		if d.Bad || end != "/" || uint64(sum) != uint64(adler32.Checksum(b[:at])) {
			return &Damage{int64(at), "the checksum is wrong"}
		}
		if len(added) == 0 || len(d.Rest) == 0 {
			break
		}
		if len(d.Rest) == lastAlone {
			added = added[len(added)-1:]
		}
		d.Take(added[0])
	}
	if len(d.Rest) > 0 {
		return &Damage{int64(len(b) - len(d.Rest)), "something follows after the end of the snapshot"}
	}
	return nil
}

// put adds a znode of a snapshot, in which parents come first.
func (t *Tree) put(path string, n *znode) bool {
	if old := t.nodes[path]; old != nil {
		return false
	}
	if path != "" {
		parent := t.nodes[parentOf(path)]
		if parent == nil {
			return false
		}
		parent.children++
	}
	t.nodes[path] = n
	if n.isEphemeral() {
		t.owned(n.owner)[path] = true
	}
	t.sum += n.digest(path)
	return true
}

func parentOf(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[:i]
		}
	}
	return ""
}

// appendStat appends the znode's stat in the form of ZooKeeper's own digest.
func (n *znode) appendStat(b []byte) []byte {
	for _, v := range []int64{n.czxid, n.mzxid, n.pzxid, n.ctime, n.mtime} {
		b = binary.BigEndian.AppendUint64(b, uint64(v))
	}
	for _, v := range []int32{n.version, n.cversion, n.aversion} {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	return binary.BigEndian.AppendUint64(b, uint64(n.owner))
}
