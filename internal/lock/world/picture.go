package world

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/model/zk"
)

// picture is a tree as an outsider reads it.
type picture struct {
	version int32 // of the path
	grant   grant // that the path names
	line    []contender
	last    string // entry of the ledger
	entries map[string]bool
}

// contender is one znode of the line. The znode of the simple form is one as well.
type contender struct {
	name     string
	sequence int
	shared   bool
	session  int64
	token    int32 // 0: it is not granted
	asked    bool  // to release the lock
}

// grant is the last grant, as the data of the path has it.
type grant struct {
	Znode    string
	Token    int32
	DelayMS  int64 `json:"delay_ms"`
	Released bool
}

// look reads one of the locks.
func look(tree zk.Tree, path string) picture {
	p := picture{entries: map[string]bool{}}
	for at, znode := range tree.All() {
		switch below, inLine := strings.CutPrefix(at, path+"/"); {
		case inLine:
			var data struct{ Token int32 }
			_ = json.Unmarshal(znode.Data, &data) // of another program: it is not granted
			one := contender{name: below, shared: strings.Contains(below, "-R-"), session: znode.Stat.EphemeralOwner, token: data.Token, asked: string(znode.Data) == revocation}
			one.sequence, _ = strconv.Atoi(below[strings.LastIndex(below, "-")+1:])
			p.line = append(p.line, one)
		case at == path:
			p.version = znode.Stat.Version
			_ = json.Unmarshal(znode.Data, &p.grant) // of another program: it has no delay
		case at == ledger:
			p.last = string(znode.Data)
		case strings.HasPrefix(at, ledger+"/"):
			p.entries[strings.TrimPrefix(at, ledger+"/")] = true
		}
	}
	for i := range p.line { // an exclusive holder is named by the path
		if one := &p.line[i]; one.name == p.grant.Znode && one.token == 0 {
			one.token = p.grant.Token
		}
	}
	slices.SortFunc(p.line, func(a, b contender) int { return cmp.Compare(a.sequence, b.sequence) })
	return p
}

// revocation is the data of a contender that is asked to release the lock.
const revocation = "__REVOKE__"

// delayed reports whether the last holder has ended and did not release, so that the next one must
// wait.
func (p picture) delayed() bool {
	return p.grant.DelayMS > 0 && !p.grant.Released && !slices.ContainsFunc(p.line, func(one contender) bool { return one.name == p.grant.Znode })
}

// granted are the contenders that have the lock.
func (p picture) granted() []contender {
	var all []contender
	for _, one := range p.line {
		if one.token > 0 {
			all = append(all, one)
		}
	}
	return all
}

// holder is the contender with that token, if it is in the line.
func (p picture) holder(token int32) (contender, bool) {
	at := slices.IndexFunc(p.line, func(one contender) bool { return one.token == token })
	if token == 0 || at < 0 {
		return contender{}, false
	}
	return p.line[at], true
}

// tokenOf is the token of an entry; 0 of none.
func tokenOf(entry string) int32 {
	token, _ := strconv.ParseInt(entry, 10, 32)
	return int32(token)
}
