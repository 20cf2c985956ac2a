package record

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// written finds the operations in the transcripts of the recipe.
var written = regexp.MustCompile(`(?m)\b(create|set|delete|check) +(/\S*)(.*)$`)

// TestZnodes_AreThoseOfTheRecipe reads what the recipe is seen to write in its golden
// scenarios: every znode is known, and so is what the judges read of its data.
func TestZnodes_AreThoseOfTheRecipe(t *testing.T) {
	paths, err := filepath.Glob("../recipe/testdata/scenarios/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d scenarios, %v", len(paths), err)
	}
	seen := map[NodeKind]int{}
	reasons := map[string]int{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range written.FindAllStringSubmatch(string(text), -1) {
			kind, z := found[1], ParsePath(found[2])
			seen[z.Kind]++
			at := strings.Index(found[3], "{")
			if kind == "check" || kind == "delete" || at < 0 {
				continue
			}
			data := found[3][at:]
			entry, claim := ParseEntry(data), ParseClaim(data)
			switch {
			case z.Kind == Assignment && (entry.Epoch == 0 || entry.Attempt == 0 || entry.Incarnation == 0),
				z.Kind == Attempt && (entry.Attempt != z.Number || entry.Worker == "" || entry.Reason == ""),
				z.Kind == TaskStatus && ParseStatus(data).Result == data,
				(z.Kind == Inbox || z.Kind == Assign) && claim.Holder == "":
				t.Errorf("%s: %s %s is read as %+v, %+v", path, found[2], data, entry, claim)
			}
			reasons[entry.Reason]++
		}
	}
	for _, part := range []NodeKind{Mastership, Registration, Task, TaskStatus, Attempt, Left, Assign, Inbox, Assignment} {
		if seen[part] == 0 {
			t.Errorf("no scenario has a znode of kind %d", part)
		}
	}
	if reasons[WorkerLost] == 0 {
		t.Errorf("no attempt ended because of %q: %v", WorkerLost, reasons)
	}
}
