package torture

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/harness"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// recordings are what short runs in memory have recorded, by seed.
var recordings sync.Map

// memoryRun is the folder of a short, valid run in memory, without what judges add. A run
// of the same seed is made once for all tests.
func memoryRun(t *testing.T, seed int) string {
	t.Helper()
	files, made := recordings.Load(seed)
	if !made {
		files = entry(t, seed)
		recordings.Store(seed, files)
	}
	recorded := files.(*recording)
	dir := filepath.Join(t.TempDir(), recorded.name)
	if err := os.MkdirAll(filepath.Join(dir, record.LogsFolder), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range recorded.files {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

// recording is the name of a run's folder, and the text of its files.
type recording struct {
	name  string
	files map[string]string
}

func entry(t *testing.T, seed int) *recording {
	t.Helper()
	out := t.TempDir()
	code, printed := torture(t, "run", "--ensemble", "memory", "--seed", fmt.Sprint(seed), "--time", "2s", "--rate", "3", "--masters", "1", "--nodes", "0", "--workers", "2", "--clients", "1",
		"--nemesis", "kill-worker,expire-worker", "--out", out)
	if code != checker.Valid.ExitCode() {
		t.Fatalf("exit code %d:\n%s", code, printed)
	}
	dir, files := onlyRun(t, out), map[string]string{}
	for _, name := range append([]string{record.ManifestFile}, record.Parts...) {
		if name != record.LogsFolder { // which is empty
			files[name] = contents(t, filepath.Join(dir, name))
		}
	}
	return &recording{filepath.Base(dir), files}
}

// violate plants a defect in the history of a run, that a client was told another result,
// and seals the folder again, as if the run had recorded that.
func violate(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, record.HistoryFile)
	events, err := record.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(events, func(e record.Event) bool {
		return e.Kind == record.Await && e.Type == record.OK && e.Answer().State == "done"
	})
	recordtest.Change(&events[i], func(a *record.Answer) { a.Result = "of another task" })
	manifest, err := record.ReadManifest(dir)
	if err == nil {
		err = errors.Join(record.WriteFile(path, events), record.Seal(dir, *manifest))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// older makes of a run one from before there were manifests.
func older(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, record.ConfigFile)
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(contents(t, path)), &all); err != nil {
		t.Fatal(err)
	}
	var counts map[string]json.RawMessage
	if err := json.Unmarshal(all["participants"], &counts); err != nil {
		t.Fatal(err)
	}
	for role, count := range counts {
		all[role+"s"] = count // as it was when there was one recipe
	}
	for _, key := range []string{"record_format", "participants", "recipe"} {
		delete(all, key)
	}
	less, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path, less, 0o644), os.Remove(filepath.Join(dir, record.ManifestFile)), askedFor(dir)); err != nil {
		t.Fatal(err)
	}
}

// askedFor takes the ends of sessions that expired out of the commits: the server in memory did
// not record them then.
func askedFor(dir string) error {
	path := filepath.Join(dir, record.CommittedFile)
	commits, err := record.ReadCommits(path)
	if err != nil {
		return err
	}
	exchanges, err := record.ReadExchanges(filepath.Join(dir, record.WireFile))
	if err != nil {
		return err
	}
	closed := map[string]bool{}
	for _, e := range exchanges {
		closed[e.Session] = closed[e.Session] || e.Close
	}
	commits = slices.DeleteFunc(commits, func(c record.Commit) bool { return c.Kind == record.CommitClose && !closed[c.Session] })
	return record.WriteCommits(path, commits)
}

// subjects are a valid run, and one with a planted defect, each with a manifest and as it
// was before there were manifests.
func subjects(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{"valid": memoryRun(t, 4), "violated": memoryRun(t, 4), "older, valid": memoryRun(t, 4), "older, violated": memoryRun(t, 4)}
	for name, dir := range all {
		if strings.HasSuffix(name, "violated") {
			violate(t, dir)
		}
		if strings.HasPrefix(name, "older") {
			older(t, dir)
		}
		want := checker.Valid
		if strings.HasSuffix(name, "violated") {
			want = checker.Invalid
		}
		if got, said := verdictIn(t, dir); got != want {
			t.Fatalf("%s: the whole run is %s: %s", name, got, said)
		}
	}
	return all
}

// verdictIn judges a folder, without its pictures, and says why.
func verdictIn(t *testing.T, dir string) (checker.Verdict, string) {
	t.Helper()
	run, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := checker.Check(run, 1, tested[0].Judge)
	said := ""
	for _, p := range r.Properties {
		if p.Verdict == checker.Invalid || p.Name == checker.RecordComplete {
			said += p.Name + " is " + string(p.Verdict) + ". " + p.Reason + " "
		}
	}
	return r.Verdict, said
}

// unknownIn reports whether a folder is judged unknown, and what it says. The record alone
// settles that where it is not whole; now and then all judges are asked.
func unknownIn(t *testing.T, dir string, all bool) (bool, string) {
	t.Helper()
	run, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if entry, whole := checker.CheckRecord(run); !whole && !all {
		return entry.Verdict == checker.Unknown, entry.Reason
	}
	got, said := verdictIn(t, dir)
	return got == checker.Unknown, string(got) + ": " + said
}

// tampered replaces a file for a while; nil is for a file that is not there.
func tampered(t *testing.T, dir, name string, text []byte, look func()) {
	t.Helper()
	path := filepath.Join(dir, name)
	whole, err := os.ReadFile(path)
	if err == nil && text == nil {
		err = os.Remove(path)
	} else if err == nil {
		err = os.WriteFile(path, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	look()
	if err := os.WriteFile(path, whole, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestCheck_LostFileMakesUnknown takes each file of a run away, empties it, cuts it, fills it
// with nonsense, and puts that of another run in its place. torture check says which file
// it is, and ends with the exit code of an unknown run: it accuses nothing, and it passes
// nothing.
func TestCheck_LostFileMakesUnknown(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestCheck_LostFileMakesUnknown: make test runs it, make quick does not")
	}
	newer, old := memoryRun(t, 5), memoryRun(t, 5)
	older(t, old)
	for name, dir := range subjects(t) {
		other := newer
		if strings.HasPrefix(name, "older") {
			other = old
		}
		for _, file := range append([]string{record.ManifestFile}, record.Parts...) {
			whole, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				continue // an older run has no manifest, and in memory there are no logs
			}
			another, err := os.ReadFile(filepath.Join(other, file))
			if err != nil {
				t.Fatal(err)
			}
			for what, text := range map[string][]byte{
				"missing": nil, "empty": {}, "one line": whole[:bytes.IndexByte(whole, '\n')+1], "half": whole[:len(whole)/2], "a byte short": whole[:len(whole)-1],
				"nonsense": []byte("\x00\xff nonsense\n{\n"), "null": []byte("null\n"), "an object": []byte("{}\n"), "a list": []byte("[]\n"),
				"twice": append(bytes.Clone(whole), whole...), "of another run": another,
			} {
				if strings.HasPrefix(name, "older") && (what == "a byte short" && strings.HasSuffix(file, ".json")) {
					continue // only the end of the last line is gone, which says nothing
				}
				if bytes.HasSuffix(whole[:len(whole)-1], []byte{'}'}) && what == "a byte short" && file == record.ManifestFile {
					continue // likewise
				}
				t.Run(fmt.Sprintf("%s/%s/%s", name, file, what), func(t *testing.T) {
					tampered(t, dir, file, text, func() {
						got, said := verdictIn(t, dir)
						if what == "missing" || what == "half" { // with all that the command does
							var printed strings.Builder
							code := exitCode(tested.judgeWithin(dir, 0, &printed))
							if code != checker.Unknown.ExitCode() {
								t.Errorf("exit code %d", code)
							}
							said = printed.String()[strings.LastIndex(printed.String(), "\nUNKNOWN: ")+1:]
						}
						if got != checker.Unknown || !strings.Contains(said, "not whole") || !strings.Contains(said, "Restore") {
							t.Errorf("it is %s, and says: %s", got, said)
						}
						if !strings.Contains(said, file) && !strings.Contains(said, "contradicts itself") {
							t.Errorf("it does not name %s: %s", file, said)
						}
					})
				})
			}
		}
	}
}

// TestCheck_HoleInAFileMakesUnknown cuts the files that have lines at each line, and takes each
// line out; of the violated runs at each tenth.
func TestCheck_HoleInAFileMakesUnknown(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestCheck_HoleInAFileMakesUnknown: make test runs it, make quick does not")
	}
	for name, dir := range subjects(t) {
		for _, file := range []string{record.HistoryFile, record.WireFile, record.CommittedFile} {
			whole, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			lines := slices.Collect(bytes.Lines(whole))
			for i := range lines {
				if strings.HasSuffix(name, "violated") && i%10 != 0 && i < len(lines)-10 {
					continue // the valid run has each line
				}
				if strings.HasPrefix(name, "older") && onlyNotes(lines[i:]) {
					continue // the last words of an older run, which nothing else refers to
				}
				for what, text := range map[string][]byte{
					"cut at": bytes.Join(lines[:i], nil), "without": bytes.Join(slices.Delete(slices.Clone(lines), i, i+1), nil),
				} {
					tampered(t, dir, file, text, func() {
						if unknown, said := unknownIn(t, dir, i%50 == 0); !unknown {
							t.Errorf("%s: %s %s line %d: %s", name, file, what, i, said)
						}
					})
				}
			}
		}
	}
}

// onlyNotes reports whether all lines of a history are notes, such as that a session was
// closed. Which of a process's last two lines is such a note is a matter of luck: that the
// process has left is told by another thread.
func onlyNotes(lines [][]byte) bool {
	return !slices.ContainsFunc(lines, func(line []byte) bool { return !bytes.Contains(line, []byte(`"type":"note"`)) })
}

// TestCheck_LostFieldMakesUnknown takes out fields of what is written once: all at the top, and
// deeper each fifth. Of an older run it takes all on which a verdict rests.
func TestCheck_LostFieldMakesUnknown(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestCheck_LostFieldMakesUnknown: make test runs it, make quick does not")
	}
	for name, dir := range subjects(t) {
		for _, file := range []string{record.ManifestFile, record.ConfigFile, record.EvidenceFile, record.FaultsFile} {
			data, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				continue // an older run has no manifest
			}
			var whole any
			if err := json.Unmarshal(data, &whole); err != nil {
				t.Fatal(err)
			}
			for i, path := range fields(whole, "", 0) {
				if strings.HasPrefix(name, "older") && (describes(file, path) || zero(whole, path) || ephemeral(whole, path)) {
					continue
				}
				if !strings.HasPrefix(name, "older") && strings.Count(path, "/") > 1 && i%5 != 0 {
					continue // the manifest does not tell fields apart
				}
				text, err := json.Marshal(prune(whole, path, ""))
				if err != nil {
					t.Fatal(err)
				}
				tampered(t, dir, file, text, func() {
					if unknown, said := unknownIn(t, dir, i%20 == 0); !unknown {
						t.Errorf("%s: %s without %s: %s", name, file, path, said)
					}
				})
			}
		}
	}
}

// describes reports whether a field says how a run was made, or when a fault was planned:
// no verdict rests on it, and an older run has nothing that it could be held against.
func describes(file, path string) bool {
	switch file {
	case record.ConfigFile:
		// Older runs have no policy: they are judged by that of their time.
		return strings.Count(path, "/") > 1 || path == "/server_profile" || path == "/policy"
	case record.FaultsFile:
		field := path[strings.LastIndex(path, "/")+1:]
		return slices.Contains([]string{"number", "role", "start", "duration", "pick", "from", "to", "applied", "figures"}, field) || strings.Contains(path, "/figures/")
	}
	return false
}

// ephemeral reports whether a path leads to a znode of the final tree that is ephemeral. It
// may have gone with its session before the tree was read, so nobody misses it. A worker that
// was killed shortly before the end of a run leaves one.
func ephemeral(whole any, path string) bool {
	parts := strings.Split(path, "/")
	evidence, ok := whole.(map[string]any)
	if !ok || len(parts) < 3 || parts[1] != "nodes" {
		return false
	}
	nodes, _ := evidence["nodes"].([]any)
	i, err := strconv.Atoi(parts[2])
	if err != nil || i >= len(nodes) {
		return false
	}
	node, _ := nodes[i].(map[string]any)
	return strings.HasPrefix(fmt.Sprint(node["path"]), "/workers/") || node["path"] == "/master"
}

// zero reports whether what is at a path is what a reader takes for a field that is not
// there.
func zero(v any, path string) bool {
	for key := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		switch at := v.(type) {
		case map[string]any:
			v = at[key]
		case []any:
			i, _ := strconv.Atoi(key) // fields has made the path
			v = at[i]
		}
	}
	return v == nil || v == false || v == 0.0 || v == ""
}

// fields are the paths of all that can be taken out of a JSON value. Of long lists the
// first, the middle and the last are enough.
func fields(v any, path string, depth int) []string {
	var all []string
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(append(all, path+"/"+key), fields(v[key], path+"/"+key, depth+1)...)
		}
	case []any:
		for i := range v {
			if i == 0 || i == len(v)/2 || i == len(v)-1 {
				at := fmt.Sprintf("%s/%d", path, i)
				all = append(append(all, at), fields(v[i], at, depth+1)...)
			}
		}
	}
	return all
}

// prune is a JSON value without what is at a path.
func prune(v any, gone, path string) any {
	switch v := v.(type) {
	case map[string]any:
		less := map[string]any{}
		for key, value := range v {
			if at := path + "/" + key; at != gone {
				less[key] = prune(value, gone, at)
			}
		}
		return less
	case []any:
		less := []any{}
		for i, value := range v {
			if at := fmt.Sprintf("%s/%d", path, i); at != gone {
				less = append(less, prune(value, gone, at))
			}
		}
		return less
	}
	return v
}

// TestCheck_GuardsAShrunkFolder: the smallest part of a violated run is judged like a run,
// and is an excerpt. What is taken out of it makes it unknown.
func TestCheck_GuardsAShrunkFolder(t *testing.T) {
	dir := memoryRun(t, 4)
	violate(t, dir)
	if code := exitCode(tested.judgeRun(dir, io.Discard)); code != checker.Invalid.ExitCode() {
		t.Fatalf("exit code %d", code)
	}
	part := filepath.Join(dir, record.ShrunkFolder, "NoDoubleResult")
	if got, said := verdictIn(t, part); got != checker.Invalid || !strings.Contains(said, "is not a whole run but an excerpt: the smallest part of the run "+filepath.Base(dir)) {
		t.Errorf("the part is %s: %s", got, said)
	}
	files := 0
	for _, file := range append([]string{record.ManifestFile}, record.Parts...) {
		if _, err := os.Stat(filepath.Join(part, file)); err != nil {
			continue
		}
		files++
		tampered(t, part, file, nil, func() {
			if got, said := verdictIn(t, part); got != checker.Unknown || !strings.Contains(said, file) {
				t.Errorf("without %s: %s: %s", file, got, said)
			}
		})
	}
	if files < 3 {
		t.Errorf("the part has %d files", files)
	}
	write(t, filepath.Join(part, record.WireFile), contents(t, filepath.Join(dir, record.WireFile)))
	if got, said := verdictIn(t, part); got != checker.Unknown || !strings.Contains(said, "wire.ndjson exists") {
		t.Errorf("with a wire that was left out: %s: %s", got, said)
	}
}

// TestCommands_RefuseARecordThatIsNotWhole: what reads a run besides torture check looks at its
// record, too.
func TestCommands_RefuseARecordThatIsNotWhole(t *testing.T) {
	dir := memoryRun(t, 4)
	violate(t, dir)
	if code := exitCode(tested.judgeWithin(dir, 0, io.Discard)); code != checker.Invalid.ExitCode() {
		t.Fatalf("exit code %d", code)
	}
	for _, c := range []struct {
		file string
		args []string
		code exit.Code
	}{
		{record.CommittedFile, []string{"trace", dir}, checker.Unknown.ExitCode()},
		{record.WireFile, []string{"trace", dir}, checker.Unknown.ExitCode()},
		{record.CommittedFile, []string{"shrink", dir}, exit.NotCarriedOut},
		{record.FaultsFile, []string{"shrink", dir}, exit.NotCarriedOut},
		{record.ConfigFile, []string{"replay", dir}, exit.NotCarriedOut},
		{record.FaultsFile, []string{"replay", dir}, exit.NotCarriedOut},
		{record.ManifestFile, []string{"replay", dir}, exit.NotCarriedOut},
	} {
		text := contents(t, filepath.Join(dir, c.file))
		tampered(t, dir, c.file, []byte(text[:len(text)/2]+" "+text[len(text)/2:len(text)-2]), func() {
			code, printed := torture(t, c.args...)
			if code != c.code || !strings.Contains(printed, c.file) || !strings.Contains(strings.ToLower(printed), "restore") {
				t.Errorf("%v with another %s: exit code %d:\n%s", c.args, c.file, code, printed)
			}
		})
	}
}

// TestCheck_KilledRunProvesNothing: a run that was killed has journals, and neither a history
// nor a manifest. What it has is read, and its schedule can be run again.
func TestCheck_KilledRunProvesNothing(t *testing.T) {
	dir := memoryRun(t, 4)
	violate(t, dir)
	if err := os.Mkdir(filepath.Join(dir, record.JournalsFolder), 0o755); err != nil {
		t.Fatal(err)
	}
	err := os.Rename(filepath.Join(dir, record.HistoryFile), filepath.Join(dir, record.JournalsFolder, "all.ndjson"))
	for _, name := range []string{record.ManifestFile, record.EvidenceFile, record.CommittedFile} {
		err = errors.Join(err, os.Remove(filepath.Join(dir, name)))
	}
	if err != nil {
		t.Fatal(err)
	}
	got, said := verdictIn(t, dir)
	if got != checker.Unknown || !strings.Contains(said, "manifest.json is missing, but journals/ exists: the run was killed before its end") || strings.Contains(said, record.CommittedFile) {
		t.Errorf("%s: %s", got, said)
	}
	run, err := load(dir)
	if err != nil || len(run.Events) == 0 {
		t.Errorf("%d events, %v", len(run.Events), err)
	}
	if _, err := harness.LoadReplay(dir, recipes{masterworker.Subject()}.ofRun); err != nil {
		t.Error(err)
	}
}

// TestRun_WritesTheManifestLast: what a run records is in it, and what torture check adds
// changes nothing.
func TestRun_WritesTheManifestLast(t *testing.T) {
	dir := memoryRun(t, 4)
	manifest, err := record.ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range manifest.Files {
		names = append(names, f.Name)
	}
	want := []string{record.CommittedFile, record.ConfigFile, record.EvidenceFile, record.FaultsFile, record.HistoryFile, record.WireFile}
	if !slices.Equal(names, want) || manifest.Run != filepath.Base(dir) || manifest.Seed != 4 {
		t.Errorf("%v, %s, %d", names, manifest.Run, manifest.Seed)
	}
	if a, absent := manifest.Lacks(record.LogsFolder); !absent || a.Failed || a.Because == "" {
		t.Errorf("logs: %+v", a)
	}
	if code := exitCode(tested.judgeWithin(dir, 0, io.Discard)); code != checker.Valid.ExitCode() || len(manifest.Losses(dir)) > 0 {
		t.Errorf("judged again: exit code %d, %v", code, manifest.Losses(dir))
	}
	if _, err := nemesis.Load(filepath.Join(dir, record.FaultsFile)); err != nil {
		t.Error(err)
	}
}
