package serve

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Below quotas, each path that has a quota has two znodes: the one with its limits makes the
// server count, the other has the counts. The limits are not enforced, which is ZooKeeper's
// default.
const (
	quotas     = "/zookeeper/quota"
	limitsName = "/zookeeper_limits"
	countsName = "/zookeeper_stats"
)

// count keeps the counts of all quotas that changes concern. They are no writes: they take no
// zxid, and no watch fires.
func count(tree zk.Tree, changes []zk.Change) zk.Tree {
	if top, err := tree.Node(quotas); err != nil || top.Stat.NumChildren == 0 {
		return tree
	}
	for _, change := range changes {
		if at, of := strings.CutSuffix(change.Path, countsName); of && change.Kind == zkapi.KindCreate && strings.HasPrefix(at, quotas) {
			tree = recount(tree, strings.TrimPrefix(at, quotas))
		}
		if limited := limitedAbove(tree, change.Path); limited != "" {
			znodes := map[zkapi.Kind]int64{zkapi.KindCreate: 1, zkapi.KindDelete: -1}[change.Kind]
			tree = add(tree, quotas+limited+countsName, znodes, int64(change.Grown()))
		}
	}
	return tree
}

// limitedAbove is the deepest path at a znode or above it that has a quota, or "".
func limitedAbove(tree zk.Tree, path string) string {
	for ; path != "/"; path = parent(path) {
		if _, err := tree.Node(quotas + path + limitsName); err == nil {
			return path
		}
	}
	return ""
}

// parent is the path of the parent.
func parent(path string) string { return path[:max(1, strings.LastIndexByte(path, '/'))] }

// recount counts a path whose counts were just made.
func recount(tree zk.Tree, path string) zk.Tree {
	znodes, bytes := 0, 0
	for _, n := range tree.Below(path) {
		znodes++
		bytes += len(n.Data)
	}
	return note(tree, quotas+path+countsName, fmt.Sprintf("count=%d,bytes=%d", znodes, bytes))
}

// note writes the counts, if they are still there.
func note(tree zk.Tree, path, counts string) zk.Tree {
	if _, err := tree.Node(path); err != nil {
		return tree
	}
	return tree.Note(path, []byte(counts))
}

// add changes the counts at a path. What somebody else has written there, and is not
// understood, stays.
func add(tree zk.Tree, path string, znodes, bytes int64) zk.Tree {
	node, err := tree.Node(path)
	if err != nil {
		return tree
	}
	counts := map[string]int64{"count": -1, "bytes": -1} // so a server takes what is missing
	for pair := range strings.FieldsFuncSeq(string(node.Data), func(r rune) bool { return r == ',' || r == ';' }) {
		name, value, _ := strings.Cut(strings.TrimSuffix(pair, "="), "=")
		if counts[name], err = strconv.ParseInt(cmp.Or(value, "-1"), 10, 64); err != nil {
			return tree
		}
	}
	text := fmt.Sprintf("count=%d,bytes=%d", counts["count"]+znodes, counts["bytes"]+bytes)
	delete(counts, "count")
	delete(counts, "bytes")
	var rest []string
	for name, value := range counts {
		rest = append(rest, fmt.Sprintf(";%s=%d", name, value))
	}
	slices.Sort(rest)
	if len(rest) > 0 {
		text += "=" + strings.Join(rest, "") // older clients stop to read at this sign
	}
	return note(tree, path, text)
}
