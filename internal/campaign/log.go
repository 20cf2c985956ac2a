package campaign

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Log is a file of runs: the runs of one call of soak, or of several that have been
// merged. It is written after each run, so that a crash loses no finished run.
type Log struct {
	Batches []Batch `json:"batches"`
}

// Batch has runs of the same commit with the same options, so they can be added up.
type Batch struct {
	Commit string    `json:"commit"` // of the command; with a + when the source had changed since
	Asked  string    `json:"asked"`  // the options of each run
	Runs   []Outcome `json:"runs"`   // by seed
}

// ReadLog reads a file that [Log.Save] has written.
func ReadLog(path string) (Log, error) {
	data, err := record.ReadRegular(path)
	if err != nil {
		return Log{}, fmt.Errorf("campaign: %w", err)
	}
	var log Log
	if err := json.Unmarshal(data, &log); err != nil {
		return Log{}, fmt.Errorf("campaign: %s: %w", path, err)
	}
	if len(log.Batches) == 0 {
		return Log{}, fmt.Errorf("campaign: %s has no runs in it: give a file that torture soak --results has written", path)
	}
	return log, nil
}

// Save writes the file whole, or leaves it as it was.
func (l Log) Save(path string) error {
	data, err := json.MarshalIndent(l, "", " ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = record.Replace(path, append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	return nil
}

// Add adds the runs of a batch. It fails, and adds nothing, if one of its seeds is
// there already, because that would count a run twice.
func (l *Log) Add(b Batch) error {
	i := slices.IndexFunc(l.Batches, func(known Batch) bool { return known.Commit == b.Commit && known.Asked == b.Asked })
	if i < 0 {
		l.Batches = append(l.Batches, Batch{Commit: b.Commit, Asked: b.Asked})
		i = len(l.Batches) - 1
	}
	known := &l.Batches[i]
	for _, run := range b.Runs {
		if slices.ContainsFunc(known.Runs, func(k Outcome) bool { return k.Seed == run.Seed }) {
			return fmt.Errorf("campaign: the run with seed %d of commit %s is there already, and would count twice: leave one of the files out, or take another seed or another file", run.Seed, b.Commit)
		}
	}
	known.Runs = append(known.Runs, b.Runs...)
	slices.SortFunc(known.Runs, func(a, b Outcome) int { return cmp.Compare(a.Seed, b.Seed) })
	return nil
}

// Write prints the sums of each batch and returns the exit code of the worst run.
func (l Log) Write(out io.Writer) (exit.Code, error) {
	all := NewTally()
	for _, b := range l.Batches {
		sum := NewTally()
		for _, run := range b.Runs {
			sum.Add(run)
			all.Add(run)
		}
		fmt.Fprintf(out, "commit %s, %s\n", b.Commit, b.Asked)
		if err := sum.Write(out); err != nil {
			return exit.NotCarriedOut, err
		}
		fmt.Fprintln(out)
	}
	return all.ExitCode(), nil
}

// Keeper returns a function that adds a run to a file. The file may exist already from
// an earlier call: the runs of the same commit and the same options stand together.
func Keeper(path, commit, asked string) (func(Outcome) error, error) {
	log, err := ReadLog(path)
	if errors.Is(err, fs.ErrNotExist) {
		log, err = Log{}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := log.Save(path); err != nil { // rather than to find out after the first run
		return nil, err
	}
	return func(o Outcome) error {
		if err := log.Add(Batch{Commit: commit, Asked: asked, Runs: []Outcome{o}}); err != nil {
			return err
		}
		return log.Save(path)
	}, nil
}
