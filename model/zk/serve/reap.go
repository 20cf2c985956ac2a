package serve

import (
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// overdue lists the znodes that the server deletes by itself.
func overdue(tree zk.Tree, now time.Time) []string {
	var paths []string
	tree.Owned(func(path string, stat zk.Stat) {
		if stat.NumChildren > 0 {
			return
		}
		switch stat.Owner() {
		case zkapi.OwnerContainer:
			if stat.Cversion > 0 {
				paths = append(paths, path)
			}
		case zkapi.OwnerTTL:
			if now.UnixMilli()-stat.Mtime > zk.TTLOf(stat.EphemeralOwner).Milliseconds() {
				paths = append(paths, path)
			}
		}
	})
	return paths
}

func deletion(path string) []zk.Part {
	return []zk.Part{{Op: zkapi.Delete(path, zkapi.AnyVersion)}}
}
