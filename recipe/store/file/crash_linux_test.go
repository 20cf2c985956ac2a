package file_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/ringmaster-zk/ringmaster/recipe/store"
	"github.com/ringmaster-zk/ringmaster/recipe/store/file"
	"github.com/ringmaster-zk/ringmaster/recipe/store/storetest"
)

// childFolder names the folder for a process that is to be killed.
const childFolder = "STORE_FILE_TEST_FOLDER"

func TestMain(m *testing.M) {
	if folder := os.Getenv(childFolder); folder != "" {
		if err := child(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// batches is how many batches a child applies; in the middle it opens the store again.
const batches = 10

// batch are the changes of one call of Apply.
func batch(n int) []store.Change {
	data := bytes.Repeat([]byte{byte('a' + n)}, 100)
	changes := []store.Change{store.Put("apps/a", data, store.Any), store.Create(fmt.Sprintf("tokens/t_%d", n), data)}
	if n%3 == 2 {
		changes = append(changes, store.Delete(fmt.Sprintf("tokens/t_%d", n-1), 0))
	}
	return changes
}

// crashConfig has the state file written anew now and then.
func crashConfig() file.Config { return file.Config{Layout: storetest.Layout(), CompactAfter: 700} }

// child applies the batches, and says what it was told.
func child(folder string) error {
	ctx := context.Background()
	for begin := 0; begin < batches; begin += batches / 2 {
		f, err := file.Open(folder, crashConfig())
		if err != nil {
			return err
		}
		fmt.Println("epoch", f.Epoch())
		for n := begin; n < begin+batches/2; n++ {
			fmt.Println("begins", n+1)
			if _, err := f.Apply(ctx, batch(n)...); err != nil {
				return err
			}
			fmt.Println("done", n+1)
		}
		if err := f.Close(ctx); err != nil {
			return err
		}
	}
	return nil
}

// told is what a child has said.
type told struct{ epoch, begins, done int }

// run runs a child on a disk. Before or after the request of that number it is killed; 0: never.
func run(t *testing.T, d *disk, at int, after bool) (said told) {
	t.Helper()
	folder, unmount := d.mount(t)
	defer unmount()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), childFolder+"="+folder)
	var out, wrong bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &wrong
	d.mu.Lock()
	d.crash = func(step int) {
		if at > 0 && (step == at && !after || step == at+1 && after) {
			_ = cmd.Process.Kill() // it may have ended
			d.dead = true
		}
	}
	d.steps = 0
	err = cmd.Start()
	d.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil && at == 0 {
		t.Fatalf("%v: %s", err, wrong.String())
	}
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		for word, number := range map[string]*int{"epoch": &said.epoch, "begins": &said.begins, "done": &said.done} {
			var n int
			if _, err := fmt.Sscanf(lines.Text(), word+" %d", &n); err == nil {
				*number = n
			}
		}
	}
	return said
}

// states are the records after each number of batches.
func states(t *testing.T) (all []string) {
	t.Helper()
	table, err := store.NewTable(storetest.Layout())
	if err != nil {
		t.Fatal(err)
	}
	for n := range batches + 1 {
		records, err := table.Load()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(records))
		if n < batches {
			if _, err := table.Apply(batch(n)...); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

// holds demands that a store has what its last process was told, and no half of a batch.
func holds(t *testing.T, what string, files map[string][]byte, said told, states []string) {
	t.Helper()
	folder := write(t, files)
	f, err := file.Open(folder, crashConfig())
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	defer func() { _ = f.Close(context.Background()) }() // the folder is thrown away
	records, err := f.Load(t.Context())
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	got := fmt.Sprint(records)
	for n := said.done; n <= said.begins; n++ {
		if got == states[n] {
			if int(f.Epoch()) <= said.epoch {
				t.Errorf("%s: epoch %d after %d", what, f.Epoch(), said.epoch)
			}
			return
		}
	}
	t.Errorf("%s: %d records, which are not those of %d to %d batches", what, len(records), said.done, said.begins)
}

// TestCrash_AtEachStep kills a process at each of its requests to the file system, before or after it was carried
// out. Then the machine goes on, or it loses its power, and the file system forgets of what was not synced all,
// or something.
func TestCrash_AtEachStep(t *testing.T) {
	states := states(t)
	d := newDisk()
	if said := run(t, d, 0, false); said.done != batches {
		t.Fatalf("without a crash: %+v", said)
	}
	steps := d.steps
	if steps < 5*batches {
		t.Fatalf("%d steps", steps)
	}
	stride, powers := 1, 12
	if testing.Short() {
		stride = 9
	}
	for at := 1; at <= steps; at += stride {
		for _, after := range []bool{false, true} {
			d := newDisk()
			said := run(t, d, at, after)
			d.mu.Lock()
			what := fmt.Sprintf("killed at step %d of %d (carried out: %v), told %+v", at, steps, after, said)
			holds(t, what, d.present(), said, states)
			holds(t, what+", all forgotten", d.survivors(nil), said, states)
			for seed := range uint64(powers) {
				holds(t, fmt.Sprintf("%s, forgotten by seed %d", what, seed), d.survivors(rand.New(rand.NewPCG(seed, 1))), said, states)
			}
			d.mu.Unlock()
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d steps", steps)
}
