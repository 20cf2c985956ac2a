package harness

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

func TestDefaults_AreValid(t *testing.T) {
	if err := defaults().Validate(); err != nil {
		t.Error(err)
	}
}

// TestValidate_NamesTheOption breaks one option after the other.
func TestValidate_NamesTheOption(t *testing.T) {
	for want, broken := range map[string]func(*Setup){
		"--time":            func(c *Setup) { c.Time = 0 },
		"--masters 0":       func(c *Setup) { c.Participants["master"], c.Participants["node"] = 0, 1 },
		"--nodes 51":        func(c *Setup) { c.Participants["node"] = 51 },
		"--workers 101":     func(c *Setup) { c.Participants["worker"] = 101 },
		"--clients -1":      func(c *Setup) { c.Participants["client"] = -1 },
		"--rate NaN":        func(c *Setup) { c.Rate = math.NaN() },
		"--rate 0":          func(c *Setup) { c.Rate = 0 },
		"--servers 2":       func(c *Setup) { c.Servers = 2 },
		"--session-timeout": func(c *Setup) { c.SessionTimeout = time.Minute },
		"--connect":         func(c *Setup) { c.Connect = []string{"x:1"} },
		"--connect: zkclient: server \"\": there is no server": func(c *Setup) { c.Ensemble, c.Connect = External, []string{"x:1", ""} },
		"--connect: leave the path /x out":                     func(c *Setup) { c.Ensemble, c.Connect = External, []string{"x:1", "y:1/x"} },
		"--session-timeout -3s: use 100ms":                     func(c *Setup) { c.Ensemble, c.SessionTimeout = Memory, -3*time.Second },
		"--session-timeout 25h0m0s: use 100ms to 10m":          func(c *Setup) { c.Ensemble, c.SessionTimeout = Memory, 25*time.Hour },
		"--tick-time -1s: use 10ms to 1h":                      func(c *Setup) { c.TickTime = -time.Second },
		"--tick-time 100000h0m0s: use 10ms":                    func(c *Setup) { c.TickTime, c.SessionTimeout = 100_000*time.Hour, 300_000*time.Hour },
		"--ensemble":                                           func(c *Setup) { c.Ensemble = "moon" },
		"kill-server":                                          func(c *Setup) { c.Servers, c.Nemesis = 1, []nemesis.Kind{nemesis.KillServer} },
		`unknown kind "typo"`:                                  func(c *Setup) { c.Schedule = []nemesis.Fault{{Number: 3, Kind: "typo"}} },
		"must not be negative":                                 func(c *Setup) { c.Schedule = []nemesis.Fault{{Number: 4, Kind: nemesis.KillMaster, Pick: -1}} },
	} {
		c := defaults()
		broken(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestDropImpossible_LeavesTheRest(t *testing.T) {
	c := defaults()
	c.Servers = 1
	c.DropImpossible(nil)
	if err := c.Validate(); err != nil || len(c.Nemesis) == 0 {
		t.Errorf("%v, %v", c.Nemesis, err)
	}
}

// TestLoadReplay_RepeatsSeedAndSchedule stores a run and reads it back as a Config.
func TestLoadReplay_RepeatsSeedAndSchedule(t *testing.T) {
	dir := t.TempDir()
	want := defaults()
	want.Seed = 99
	if err := record.SaveJSON(filepath.Join(dir, record.ConfigFile), Stored{Config: want.Config}); err != nil {
		t.Fatal(err)
	}
	var records []nemesis.Record
	for _, f := range want.plan() {
		records = append(records, nemesis.Record{Fault: f, Target: "somebody", Applied: true})
	}
	if err := nemesis.Save(filepath.Join(dir, record.FaultsFile), records); err != nil {
		t.Fatal(err)
	}
	got, err := LoadReplay(dir, func(string) (subject.Subject, error) { return want.Subject, nil })
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.plan(), want.plan()) || len(got.plan()) == 0 {
		t.Errorf("another plan: %v", got.plan())
	}
	got.Schedule = nil
	if !reflect.DeepEqual(got.Config, want.Config) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestLoadReplay_OfAKilledRun finds journals that were never merged.
func TestLoadReplay_OfAKilledRun(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, record.JournalsFolder), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		j, err := record.Create(filepath.Join(dir, record.JournalsFolder, name+".ndjson"), name, 1, func() time.Duration { return time.Second })
		if err != nil {
			t.Fatal(err)
		}
		j.Add(record.Event{Type: record.Note, Kind: record.Phase, Of: record.PhaseChange{}})
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	run, err := record.Load(dir)
	if err != nil || len(run.Events) != 2 || run.Evidence.Healed || run.Evidence.Problem == "" {
		t.Errorf("%+v, %v", run, err)
	}
	if _, err := os.Stat(filepath.Join(dir, record.JournalsFolder)); err != nil {
		t.Error("judging a run that may still go on has removed its journals")
	}
	if _, err := record.Load(t.TempDir()); err == nil {
		t.Error("an empty folder was taken for a run")
	}
}

// TestMakeFolder_IsNotSharedAndCanBeUndone makes the same folder twice.
func TestMakeFolder_IsNotSharedAndCanBeUndone(t *testing.T) {
	out := filepath.Join(t.TempDir(), "results")
	now := time.Now()
	dir, undo, err := makeFolder(out, 1, now)
	if err != nil {
		t.Fatal(err)
	}
	var undone []func() error
	for _, number := range []string{"-2", "-3"} {
		next, undoNext, err := makeFolder(out, 1, now)
		if err != nil || next != dir+number {
			t.Fatalf("another run in the same second: %s, %v", next, err)
		}
		undone = append(undone, undoNext)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error("the second run has removed the first one's folder")
	}
	for _, undo := range append(undone, undo) {
		if err := undo(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("the folder around it was made for the run and is left")
	}
}

// TestConfig_JudgesReadWhatIsStored holds config.json as the harness writes it against what
// package record reads of it: the same keys, and the same values.
func TestConfig_JudgesReadWhatIsStored(t *testing.T) {
	stored := Stored{Config: defaults().Config, RecordFormat: record.FormatVersion, Addresses: []string{"a:1", "b:1", "c:1"}, Started: time.Unix(7, 0).UTC()}
	fill(reflect.ValueOf(&stored).Elem())
	dir := t.TempDir()
	if err := record.SaveJSON(filepath.Join(dir, record.ConfigFile), stored); err != nil {
		t.Fatal(err)
	}
	read, err := record.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	var want, got map[string]any
	for value, into := range map[any]*map[string]any{&stored: &want, &read: &got} {
		data, err := json.Marshal(value)
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(got, want) || len(want) < 20 {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	for i, name := range read.ServerNames() {
		if name != ensemble.ServerName(i+1) {
			t.Errorf("server %d is %s, and %s to judges", i+1, ensemble.ServerName(i+1), name)
		}
	}
	var participants []string
	for _, g := range defaults().groups() {
		for i := range g.count {
			participants = append(participants, fmt.Sprintf("%s-%d", g.role.Name, i+1))
		}
	}
	if !slices.Equal(read.Participants(), participants) {
		t.Errorf("participants are %v, and %v to judges", participants, read.Participants())
	}
	if record.PlainProfile != ensemble.Kind {
		t.Errorf("the plain profile is %s, and %s to judges", ensemble.Kind, record.PlainProfile)
	}
}

// fill gives a value to every field that has none, so that none is left out of the JSON.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if v.MapIndex(key).IsZero() {
				v.SetMapIndex(key, reflect.ValueOf(3))
			}
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.String:
		if v.Len() == 0 {
			v.SetString("x")
		}
	case reflect.Int, reflect.Int32, reflect.Int64:
		if v.IsZero() {
			v.SetInt(3)
		}
	case reflect.Uint64:
		v.SetUint(5)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Bool:
		v.SetBool(true)
	}
}

// TestPlan_OfAPlainRun is the one that package nemesis pins: of two nodes, which lead and
// work, one counts as a master and one as a worker.
func TestPlan_OfAPlainRun(t *testing.T) {
	for seed := range uint64(5) {
		c := defaults()
		c.Seed = seed
		want := nemesis.Plan(seed, nemesis.Options{
			Kinds: c.Nemesis, Total: time.Minute, Servers: 3, Masters: 3, Workers: 4, Clients: 3, SessionTimeout: 3 * time.Second, ServerPatience: 2500 * time.Millisecond,
		})
		if got := c.plan(); !reflect.DeepEqual(got, want) || len(got) == 0 {
			t.Errorf("seed %d: got %v, want %v", seed, got, want)
		}
	}
}
