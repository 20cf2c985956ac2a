package torture

import (
	"regexp"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// TestLock_InMemory runs the lock recipe, and judges it by its own judges.
func TestLock_InMemory(t *testing.T) {
	_, printed := torture(t, "run", "--recipe", "lock", "--ensemble", "memory", "--time", "10s", "--seed", "2", "--out", t.TempDir())
	for _, want := range []string{"valid    MutualExclusion", "valid    NothingLeft", "valid    LockLinearizable", "VALID: every property holds over "} {
		if !strings.Contains(printed, want) {
			t.Errorf("it does not say %q:\n%s", want, printed)
		}
	}
}

// TestQueue_InMemory runs the queue recipe, and judges it by its own judges.
func TestQueue_InMemory(t *testing.T) {
	_, printed := torture(t, "run", "--recipe", "queue", "--ensemble", "memory", "--time", "10s", "--seed", "2", "--out", t.TempDir())
	for _, want := range []string{"valid    NoLoss", "valid    ConsumedOnce", "valid    Order", "valid    ItemLinearizable", "VALID: every property holds over "} {
		if !strings.Contains(printed, want) {
			t.Errorf("it does not say %q:\n%s", want, printed)
		}
	}
}

// TestTogether_InMemory runs two recipes on one ensemble. One verdict has the properties of both;
// the stored run is judged again in the same way, and it can be repeated.
func TestTogether_InMemory(t *testing.T) {
	out := t.TempDir()
	code, printed := torture(t, "run", "--recipe", "election,lock", "--lock-lockers", "3", "--ensemble", "memory", "--time", "10s", "--seed", "2", "--out", out)
	for _, want := range []string{
		"valid    election/SingleMaster", "valid    election/LeadsAfterHeal", "valid    lock/MutualExclusion", "valid    lock/LockLinearizable", "valid    WritesAccounted",
		"VALID: every property holds over ",
	} {
		if !strings.Contains(printed, want) {
			t.Errorf("it does not say %q:\n%s", want, printed)
		}
	}
	for _, counted := range []string{`election: [1-9]\d* entries`, `lock: \d+ attempts: [1-9]\d* got the lock`} {
		if !regexp.MustCompile(counted).MatchString(printed) {
			t.Errorf("it does not say %s:\n%s", counted, printed)
		}
	}
	dir := onlyRun(t, out)
	first := verdictOf(t, dir)
	if code != exit.Done || len(first.Properties) != 22 {
		t.Errorf("exit code %d, %d properties", code, len(first.Properties))
	}
	if code, printed = torture(t, "check", dir); code != exit.Done || len(verdictOf(t, dir).Properties) != len(first.Properties) {
		t.Errorf("judged again, exit code %d:\n%s", code, printed)
	}
	if code, printed = torture(t, "replay", dir); code != exit.Done || !strings.Contains(printed, "valid    lock/MutualExclusion") {
		t.Errorf("repeated, exit code %d:\n%s", code, printed)
	}
}

// TestTogether_Options: a role has its recipe in front, and a name must be known and is given once.
func TestTogether_Options(t *testing.T) {
	setup, f, err := setupOf(t, "--recipe", "master-worker,alone", "--alone-masters", "7")
	if err != nil || setup.Recipe != "master-worker,alone" || setup.Participants["alone-master"] != 7 || setup.Participants["master-worker-master"] != 2 || setup.Rate != 60 {
		t.Errorf("%+v, %v", setup.Config, err)
	}
	if f.Lookup("master-worker-workers").Hidden || !f.Lookup("workers").Hidden {
		t.Error("--help shows other options")
	}
	if every, _, err := setupOf(t, "--recipe", "all"); err != nil || every.Recipe != "master-worker,alone" {
		t.Errorf("all: %q, %v", every.Recipe, err)
	}
	for args, says := range map[string]string{
		"--recipe alone,alone":                     "alone is there twice",
		"--recipe alone,other":                     `--recipe "other": no recipe has this name; use one of: master-worker, alone, or several of them, with commas between, or all`,
		"--recipe master-worker,alone --masters 2": "--masters: the recipe master-worker,alone does not have this option; it has --alone-masters, --holders, --master-worker-clients",
	} {
		if _, _, err := setupOf(t, strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", args, err)
		}
	}
}
