package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sealed is a folder with a file of each part but one, and its manifest.
func sealed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		ConfigFile: "{}\n", HistoryFile: "a\nb\nc\n", WireFile: "x\ny\n", FaultsFile: "[]", EvidenceFile: "{}",
		LogsFolder + "/zk1/log.1": "log", LogsFolder + "/worker-1.log": "", "notes.txt": "of a reader",
	} {
		put(t, filepath.Join(dir, name), text)
	}
	err := Seal(dir, Manifest{Run: "r-1", Seed: 1, Absent: []Absence{{Name: CommittedFile, Because: "the disks cannot be read"}}})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func TestManifest_RoundTrip(t *testing.T) {
	dir := sealed(t)
	m, err := ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Files) != 7 || m.Run != "r-1" || m.Seed != 1 || m.Inferred {
		t.Errorf("%+v", m)
	}
	if a, absent := m.Lacks(CommittedFile); !absent || a.Because == "" {
		t.Errorf("it does not say why %s is not there: %+v", CommittedFile, m.Absent)
	}
	if losses := m.Losses(dir); len(losses) > 0 {
		t.Errorf("of a whole folder it says: %v", losses)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.new")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestManifest_NoticesEachLoss changes one thing in the folder at a time.
func TestManifest_NoticesEachLoss(t *testing.T) {
	for name, c := range map[string]struct {
		change func(dir string) error
		file   string
		says   string
	}{
		"a file is missing":       {func(dir string) error { return os.Remove(filepath.Join(dir, WireFile)) }, WireFile, "is missing; 2 lines, 4 bytes were recorded"},
		"a file is empty":         {func(dir string) error { return os.Truncate(filepath.Join(dir, HistoryFile), 0) }, HistoryFile, "has 0 lines, 0 bytes; 3 lines, 6 bytes were recorded"},
		"a file is cut at a line": {func(dir string) error { return os.Truncate(filepath.Join(dir, HistoryFile), 4) }, HistoryFile, "has 2 lines, 4 bytes; 3 lines"},
		"a file is cut at a byte": {func(dir string) error { return os.Truncate(filepath.Join(dir, HistoryFile), 5) }, HistoryFile, "has 2 lines, 5 bytes; 3 lines"},
		"a file is longer":        {func(dir string) error { return os.WriteFile(filepath.Join(dir, FaultsFile), []byte("[ ]"), 0o644) }, FaultsFile, "has 0 lines, 3 bytes"},
		"a file is another":       {func(dir string) error { return os.WriteFile(filepath.Join(dir, WireFile), []byte("x\nz\n"), 0o644) }, WireFile, "has another SHA-256 than the recorded file"},
		"a log is missing":        {func(dir string) error { return os.Remove(filepath.Join(dir, "logs/zk1/log.1")) }, "logs/zk1/log.1", "is missing"},
		"an empty log is missing": {func(dir string) error { return os.Remove(filepath.Join(dir, "logs/worker-1.log")) }, "logs/worker-1.log", "is missing"},
		"what was not there is":   {func(dir string) error { return os.WriteFile(filepath.Join(dir, CommittedFile), nil, 0o644) }, CommittedFile, "exists, but manifest.json says that it was not recorded: the disks cannot be read"},
		"a folder has its place": {func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, ConfigFile)), os.Mkdir(filepath.Join(dir, ConfigFile), 0o755))
		}, ConfigFile, "cannot be read"},
		"notes of a reader change": {func(dir string) error { return os.Remove(filepath.Join(dir, "notes.txt")) }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := sealed(t)
			if err := c.change(dir); err != nil {
				t.Fatal(err)
			}
			m, err := ReadManifest(dir)
			if err != nil {
				t.Fatal(err)
			}
			losses := m.Losses(dir)
			if c.file == "" {
				if len(losses) > 0 {
					t.Errorf("%v", losses)
				}
				return
			}
			if len(losses) != 1 || losses[0].File != c.file || !strings.Contains(losses[0].String(), c.says) {
				t.Errorf("%v", losses)
			}
			if only := m.Losses(dir, c.file); len(only) != 1 {
				t.Errorf("asked for that file: %v", only)
			}
			if others := m.Losses(dir, "logs/none"); len(others) != 0 {
				t.Errorf("asked for another file: %v", others)
			}
		})
	}
}

// TestManifest_OfAnotherRun: where nothing is as it says, it is the manifest that does not
// belong there.
func TestManifest_OfAnotherRun(t *testing.T) {
	dir, other := sealed(t), t.TempDir()
	m, err := ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Files {
		put(t, filepath.Join(other, f.Name), "of another run")
	}
	if losses := m.Losses(other); len(losses) != 1 || losses[0].File != ManifestFile || !strings.Contains(losses[0].Problem, "belongs to another run, r-1") {
		t.Errorf("%v", losses)
	}
}

// TestManifest_DamagedIsAnError cuts and changes each byte of it, and takes out each
// field: nothing of it is believed.
func TestManifest_DamagedIsAnError(t *testing.T) {
	dir := sealed(t)
	path := filepath.Join(dir, ManifestFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	says, err := ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, text []byte) {
		t.Helper()
		put(t, path, string(text))
		m, err := ReadManifest(dir)
		if err == nil {
			same, _ := json.Marshal(m)
			if before, _ := json.Marshal(says); !bytes.Equal(same, before) { // a space may have gone
				t.Errorf("%s is believed: %s", what, same)
			}
		} else if m != nil {
			t.Errorf("%s: it is refused and read all the same", what)
		}
	}
	for i := range whole {
		try("what is left of a cut", whole[:i])
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		try("a manifest with another byte", changed)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(whole, &fields); err != nil {
		t.Fatal(err)
	}
	for name := range fields {
		less := map[string]json.RawMessage{}
		for other, value := range fields {
			if other != name {
				less[other] = value
			}
		}
		text, err := json.Marshal(less)
		if err != nil {
			t.Fatal(err)
		}
		put(t, path, string(text))
		if m, err := ReadManifest(dir); err == nil || m != nil {
			t.Errorf("a manifest without %q is believed", name)
		}
	}
	put(t, path, `{"manifest":99}`)
	if _, err := ReadManifest(dir); err == nil || !strings.Contains(err.Error(), "format 99") {
		t.Errorf("of a newer format: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadManifest(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of none: %v", err)
	}
}

// TestSeal_NeedsAReasonForEachMissingPart: each part is there, or the manifest says why not.
func TestSeal_NeedsAReasonForEachMissingPart(t *testing.T) {
	dir := sealed(t)
	if err := os.Remove(filepath.Join(dir, ManifestFile)); err != nil {
		t.Fatal(err)
	}
	for name, absent := range map[string][]Absence{
		"a part is not mentioned":       nil,
		"what is there is said to lack": {{Name: CommittedFile}, {Name: WireFile}},
		"so are the logs":               {{Name: CommittedFile}, {Name: LogsFolder}},
	} {
		if err := Seal(dir, Manifest{Absent: absent}); err == nil {
			t.Errorf("%s: it is sealed", name)
		}
		if _, err := os.Stat(filepath.Join(dir, ManifestFile)); err == nil {
			t.Errorf("%s: there is a manifest", name)
		}
	}
	if err := Seal(filepath.Join(dir, "nowhere"), Manifest{}); err == nil {
		t.Error("a folder that is not there is sealed")
	}
}

// TestManifest_ExcerptNamesItsRun: also one of a run that has no manifest.
func TestManifest_ExcerptNamesItsRun(t *testing.T) {
	whole := &Manifest{Run: "r", Seed: 7, Files: []Recorded{{Name: WireFile}}, Absent: []Absence{{Name: CommittedFile}}}
	if e := whole.AsExcerpt("a part"); e.Excerpt != "a part" || e.Run != "r" || e.Seed != 7 || len(e.Files)+len(e.Absent) > 0 {
		t.Errorf("%+v", e)
	}
	var none *Manifest
	if e := none.AsExcerpt("a part"); e.Excerpt != "a part" {
		t.Errorf("%+v", e)
	}
}

// TestRun_MadeByHand: what a run lacks is said, and nothing else.
func TestRun_MadeByHand(t *testing.T) {
	m := Run{Exchanges: []Exchange{}}.MadeByHand().Manifest
	for part, want := range map[string]bool{WireFile: false, CommittedFile: true, EvidenceFile: true, HistoryFile: false} {
		if _, absent := m.Lacks(part); absent != want {
			t.Errorf("%s is said to lack: %v", part, absent)
		}
	}
}
