package harness

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
)

func TestDefaultsAreValid(t *testing.T) {
	if err := Defaults().Validate(); err != nil {
		t.Error(err)
	}
}

// TestValidateNamesTheOption breaks one option after the other.
func TestValidateNamesTheOption(t *testing.T) {
	for want, broken := range map[string]func(*Config){
		"--time":               func(c *Config) { c.Time = 0 },
		"--masters 0":          func(c *Config) { c.Masters, c.Nodes = 0, 1 },
		"--nodes 51":           func(c *Config) { c.Nodes = 51 },
		"--workers 101":        func(c *Config) { c.Workers = 101 },
		"--clients -1":         func(c *Config) { c.Clients = -1 },
		"--rate NaN":           func(c *Config) { c.Rate = math.NaN() },
		"--rate 0":             func(c *Config) { c.Rate = 0 },
		"--servers 2":          func(c *Config) { c.Servers = 2 },
		"--session-timeout":    func(c *Config) { c.SessionTimeout = time.Minute },
		"--connect":            func(c *Config) { c.Connect = []string{"x:1"} },
		"--ensemble":           func(c *Config) { c.Ensemble = "moon" },
		"kill-server":          func(c *Config) { c.Servers, c.Nemesis = 1, []nemesis.Kind{nemesis.KillServer} },
		`unknown kind "typo"`:  func(c *Config) { c.Schedule = []nemesis.Fault{{Number: 3, Kind: "typo"}} },
		"must not be negative": func(c *Config) { c.Schedule = []nemesis.Fault{{Number: 4, Kind: nemesis.KillMaster, Pick: -1}} },
	} {
		c := Defaults()
		broken(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestDropImpossibleLeavesTheRest(t *testing.T) {
	c := Defaults()
	c.Servers = 1
	c.DropImpossible(nil)
	if err := c.Validate(); err != nil || len(c.Nemesis) == 0 {
		t.Errorf("%v, %v", c.Nemesis, err)
	}
}

// TestReplayRepeatsSeedAndSchedule stores a run and reads it back as a Config.
func TestReplayRepeatsSeedAndSchedule(t *testing.T) {
	dir := t.TempDir()
	want := Defaults()
	want.Seed = 99
	if err := saveJSON(filepath.Join(dir, ConfigFile), Stored{Config: want}); err != nil {
		t.Fatal(err)
	}
	var records []nemesis.Record
	for _, f := range want.plan() {
		records = append(records, nemesis.Record{Fault: f, Target: "somebody", Applied: true})
	}
	if err := nemesis.Save(filepath.Join(dir, FaultsFile), records); err != nil {
		t.Fatal(err)
	}
	got, err := LoadReplay(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.plan(), want.plan()) || len(got.plan()) == 0 {
		t.Errorf("another plan: %v", got.plan())
	}
	got.Schedule = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestLoadOfARunThatWasKilled finds journals that were never merged.
func TestLoadOfARunThatWasKilled(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, journalFolder), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		j, err := record.Create(filepath.Join(dir, journalFolder, name+".ndjson"), name, 1, func() time.Duration { return time.Second })
		if err != nil {
			t.Fatal(err)
		}
		j.Add(record.Event{Type: record.Note, Kind: record.Phase})
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	run, err := Load(dir)
	if err != nil || len(run.Events) != 2 || run.Evidence.Healed || run.Evidence.Problem == "" {
		t.Errorf("%+v, %v", run, err)
	}
	if _, err := os.Stat(filepath.Join(dir, journalFolder)); err != nil {
		t.Error("judging a run that may still go on has removed its journals")
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("an empty folder was taken for a run")
	}
}

// TestFolderIsNotSharedAndCanBeUndone makes the same folder twice.
func TestFolderIsNotSharedAndCanBeUndone(t *testing.T) {
	out := filepath.Join(t.TempDir(), "results")
	now := time.Now()
	dir, undo, err := makeFolder(out, 1, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := makeFolder(out, 1, now); err == nil {
		t.Error("two runs share a folder")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error("the second run has removed the first one's folder")
	}
	if err := undo(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("the folder around it was made for the run and is left")
	}
}
