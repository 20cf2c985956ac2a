package txnlog

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
)

// Opcode is the kind of a transaction, or of a part of one (zookeeper.jute).
type Opcode int32

// The opcodes of transactions.
const (
	Create          Opcode = 1
	Delete          Opcode = 2
	Set             Opcode = 5
	SetACL          Opcode = 7
	Check           Opcode = 13
	Multi           Opcode = 14
	Create2         Opcode = 15
	Reconfig        Opcode = 16
	CreateContainer Opcode = 19
	DeleteContainer Opcode = 20
	CreateTTL       Opcode = 21
	CreateSession   Opcode = -10
	CloseSession    Opcode = -11
	Failed          Opcode = -1 // was refused; Code says why
)

// Txn is one transaction. Data shares memory with nothing else.
type Txn struct {
	Session int64 // the session that asked
	Cxid    int32 // of the request, on its connection
	Zxid    int64
	TimeMs  int64 // since the Unix epoch, by the leader's clock
	Opcode  Opcode
	Parts   []Part   // one for a single write; none for sessions
	Paths   []string // the ephemerals that a CloseSession removes
	// Digest is ZooKeeper's own digest of the whole tree that the leader expected
	// afterwards. HasDigest is false if there is none, or if its version is unknown.
	Digest    uint64
	HasDigest bool
	// Sum must be the same in two servers' logs. For a refused transaction it covers the
	// header and the code only: a server may write the parts of those differently, because
	// it marks them as refused while it is writing them.
	Sum [sha256.Size]byte
}

// Part is one write of a transaction.
type Part struct {
	Opcode         Opcode
	Path           string
	Data           []byte
	Ephemeral      bool
	ParentCversion int32 // of a create: how many children its parent has ever had
	Version        int32 // of Set and SetACL: the new version; of Check: the present version, and one
	TTLMs          int64
	// Code is the error of a refused part, if it is negative: -2 says that an earlier part
	// was refused. Parts before the refused one may have any value.
	Code int32
}

// Refused reports whether the transaction changed nothing, and returns the server's
// code for the reason: the code of the first refused part, if there are several.
func (t *Txn) Refused() (code int32, refused bool) {
	for _, p := range t.Parts {
		if p.Opcode == Failed {
			refused = true
			if p.Code < 0 && code == 0 {
				code = p.Code
			}
		}
	}
	return code, refused
}

// txnHeaderBytes is the size of every transaction's header.
const txnHeaderBytes = 32

// sum computes [Txn.Sum] of a transaction encoded by payload.
func (t *Txn) sum(payload []byte) [sha256.Size]byte {
	if code, refused := t.Refused(); refused {
		payload = binary.BigEndian.AppendUint32(slices.Clone(payload[:txnHeaderBytes]), uint32(code))
	}
	return sha256.Sum256(payload)
}

const digestVersion = 2

// decodeTxn decodes the bytes of an entry. The data that it holds are shared.
func decodeTxn(b []byte) (Txn, bool) {
	d := decoder{jute.Decoder{Rest: b}}
	t := Txn{Session: d.Int64(), Cxid: d.Int32(), Zxid: d.Int64(), TimeMs: d.Int64(), Opcode: Opcode(d.Int32())}
	if d.Bad {
		return t, false
	}
	switch t.Opcode {
	case CreateSession:
		d.Int32() // timeout
	case CloseSession:
		if len(d.Rest) > 0 { // older servers write nothing
			t.Paths = d.Strings()
		}
	case Multi:
		t.Parts = d.parts()
	default:
		t.Parts = []Part{d.part(t.Opcode)}
	}
	if len(d.Rest) > 0 {
		v, sum := d.Int32(), d.Int64()
		t.Digest, t.HasDigest = uint64(sum), v == digestVersion
	}
	return t, !d.Bad && len(d.Rest) == 0
}

func (d *decoder) parts() []Part {
	const smallest = 8 // opcode and length
	var all []Part
	for range d.Count(smallest) {
		opcode := Opcode(d.Int32())
		inner := decoder{jute.Decoder{Rest: d.Buffer()}}
		part := inner.part(opcode)
		if d.Bad = d.Bad || inner.Bad; d.Bad {
			break
		}
		all = append(all, part)
	}
	return all
}

func (d *decoder) part(opcode Opcode) Part {
	p := Part{Opcode: opcode}
	if opcode != Failed {
		p.Path = d.String()
	}
	switch opcode {
	case Create, Create2, CreateContainer, CreateTTL:
		p.Data = d.Buffer()
		d.skipACL()
		if opcode == Create || opcode == Create2 {
			p.Ephemeral = d.Bool()
		}
		p.ParentCversion = d.Int32()
		if opcode == CreateTTL {
			p.TTLMs = d.Int64()
		}
	case Delete, DeleteContainer:
	case Set, Reconfig:
		p.Data, p.Version = d.Buffer(), d.Int32()
	case SetACL:
		d.skipACL()
		p.Version = d.Int32()
	case Check:
		p.Version = d.Int32()
	case Failed:
		p.Code = d.Int32()
	default:
		d.Bad = true
	}
	return p
}
