package torture

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// committedRun makes a run's folder of the checker's frozen run with all that three
// servers have in their logs, with a change to what they have.
func committedRun(t *testing.T, change func([]record.Commit) []record.Commit) string {
	t.Helper()
	dir := frozenRun(t, "committed")
	data, err := os.ReadFile("../internal/masterworker/judge/testdata/committed.wire.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, record.WireFile), string(data))
	commits, err := record.ReadCommits("../internal/masterworker/judge/testdata/committed.commits.ndjson")
	if err == nil {
		err = record.WriteCommits(filepath.Join(dir, record.CommittedFile), change(commits))
	}
	if err != nil {
		t.Fatal(err)
	}
	recordtest.Seal(t, dir)
	return dir
}

// TestCheck_ExplainsAContradictionOfTheLogs plants a write that nobody asked for, and loses
// one that was acknowledged: the story shows the place in ZooKeeper's order, and the
// smallest part still has what the wire and the logs say of it.
func TestCheck_ExplainsAContradictionOfTheLogs(t *testing.T) {
	of := func(commits []record.Commit) int {
		return slices.IndexFunc(commits, func(c record.Commit) bool {
			return c.Kind == record.CommitWrite && slices.ContainsFunc(c.Ops, func(op record.Op) bool { return strings.HasSuffix(op.Path, "/status") })
		})
	}
	zxid := ""
	for _, c := range []struct {
		name   string
		change func([]record.Commit) []record.Commit
		wants  []string
	}{
		{"made up", func(commits []record.Commit) []record.Commit {
			i := of(commits)
			commits[i].Session, zxid = "0xbad", fmt.Sprintf("0x%x", commits[i].Zxid)
			return commits
		}, []string{"of no participant"}},
		{"lost", func(commits []record.Commit) []record.Commit {
			i := of(commits)
			zxid = fmt.Sprintf("0x%x", commits[i].Zxid)
			return slices.Delete(commits, i, i+1)
		}, []string{"No server has"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := committedRun(t, c.change)
			code, printed := torture(t, "check", dir)
			told := contents(t, filepath.Join(dir, record.StoryFile))
			_, told, found := strings.Cut(told, "WritesAccounted is violated.")
			if code != exit.Invalid || !found {
				t.Fatalf("exit code %d:\n%s", code, printed)
			}
			for _, want := range append(c.wants, zxid, "Smallest part of the history that shows it") {
				if !strings.Contains(told, want) {
					t.Errorf("%q is not in:\n%s", want, told)
				}
			}
			part := filepath.Join(dir, record.ShrunkFolder, "WritesAccounted")
			if code, printed := torture(t, "check", part); code != exit.Invalid || !strings.Contains(printed, zxid) {
				t.Errorf("the part: exit code %d:\n%s", code, printed)
			}
		})
	}
}
