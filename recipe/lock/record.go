package lock

import (
	"encoding/json"
	"time"
)

// revokeData is what a program writes into the znode of a holder to ask for the lock. It is that
// of Curator's Revoker.
const revokeData = "__REVOKE__"

// isRevoked reports whether the data of a holder's znode asks for the lock.
func isRevoked(data []byte) bool { return string(data) == revokeData }

// record is the data of a contender's znode.
type record struct {
	Name  string `json:"name,omitempty"`
	Token int32  `json:"token,omitempty"` // of a shared holder, or of a permit; 0 while it waits
	Data  string `json:"data,omitempty"`
}

// record is the data of the own znode.
func (c *contender) record(token int32) []byte {
	return encode(record{Name: c.locks.config.Name, Token: token, Data: c.data})
}

// readRecord reads the data of a contender's znode. That of another program says nothing.
func readRecord(data []byte) record {
	var r record
	if json.Unmarshal(data, &r) != nil {
		return record{}
	}
	return r
}

// grant is the data of the path: the last grant.
type grant struct {
	Znode    string `json:"znode,omitempty"` // name of the holder's znode
	Token    int32  `json:"token,omitempty"`
	Name     string `json:"name,omitempty"`
	DelayMS  int64  `json:"delay_ms,omitempty"` // to be waited, unless Released
	Permits  int    `json:"permits,omitempty"`  // of a semaphore
	Nonce    string `json:"nonce,omitempty"`    // of the simple form
	Released bool   `json:"released,omitempty"` // written by a holder that has a delay
}

// newGrant is the grant of a token to this contender.
func (c *contender) newGrant(znode string, token int32) grant {
	g := grant{Znode: znode, Token: token, Name: c.locks.config.Name, DelayMS: (c.delay + time.Millisecond - 1).Milliseconds()}
	if c.form == permit {
		g.Permits = c.permits
	}
	return g
}

func (g grant) encode() []byte { return encode(g) }

// readGrant reads the data of a path. That of another program says nothing.
func readGrant(data []byte) grant {
	var g grant
	if json.Unmarshal(data, &g) != nil {
		return grant{}
	}
	return g
}

// encode writes a record as JSON. Its fields are texts and numbers, so it cannot fail.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
