package judge

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/explain/shrink"
	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/record"
)

// ShrinkBudget is the time for finding the smallest parts of a history, for all
// violations together.
const ShrinkBudget = 6 * time.Second

// explanation is the result of looking into one violation.
type explanation struct {
	shrunk shrink.Shrunk
	story  explain.Story
	folder string        // of the smallest part; empty if there is no smaller part
	run    *record.Index // the portion of one recipe that it is about; nil: the whole run
}

// explainer looks into the violations of a run.
type explainer struct {
	dir     string
	subject Subject
	seed    uint64
	index   *record.Index
}

// all shrinks and explains every violation. A failure here is reported and changes no
// verdict.
func (x explainer) all(violations []checker.Property, budget time.Duration, out io.Writer) (all []explanation) {
	for _, stale := range []string{record.StoryFile, record.ShrunkFolder} {
		if err := os.RemoveAll(filepath.Join(x.dir, stale)); err != nil {
			fmt.Fprintf(out, "could not remove the explanations of an earlier check: %v\n", err)
		}
	}
	if len(violations) == 0 {
		return nil
	}
	for _, p := range violations {
		e, err := x.of(p).one(budget / time.Duration(len(violations)))
		if err != nil {
			fmt.Fprintf(out, "could not explain %s: %v\n", p.Name, err)
			continue
		}
		all = append(all, e)
	}
	if err := record.WriteTo(filepath.Join(x.dir, record.StoryFile), func(w io.Writer) error { return tellAll(w, x.subject.replayCommandOf(x.dir), all) }); err != nil {
		fmt.Fprintf(out, "could not write %s: %v\n", record.StoryFile, err)
	}
	return all
}

// violation is a violation, and the run in which it is looked into.
type violation struct {
	explainer
	name string           // of the property, in the verdict
	as   checker.Property // as its judge knows it
}

// of is a violation as the recipe knows it to which the property belongs: in its own portion of
// the run.
func (x explainer) of(p checker.Property) violation {
	for _, part := range x.subject.Parts {
		own, is := strings.CutPrefix(p.Name, checker.Part{Name: part.Subject.Name}.Named(""))
		if !is {
			continue
		}
		v := violation{explainer{x.dir, part.Subject, x.seed, record.NewIndex(x.index.Run.Portion(part.Portion), part.Judge.Objects)}, p.Name, p}
		v.as.Name = own
		return v
	}
	return violation{x, p.Name, p}
}

// one looks into a violation.
func (x violation) one(budget time.Duration) (e explanation, err error) {
	p := x.as
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v", cause)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), budget)
	defer cancel()
	e.shrunk = shrink.History(ctx, x.index, p, func(part record.Run) []checker.Property {
		return checker.Check(part, x.seed, x.subject.Judge).Properties
	})
	e.story = explain.Violation(x.index, e.shrunk.Property, x.subject.Stories)
	e.story.Property = x.name
	if x.name != p.Name {
		e.run = x.index
	}
	if e.shrunk.Left.Events < e.shrunk.Of.Events {
		e.folder = filepath.Join(x.dir, record.ShrunkFolder, x.name)
		err = saveShrunk(x.dir, e.folder, e.shrunk.Run, x.subject.Name, p.Name)
	}
	return e, err
}

// saveShrunk saves a part of a run as a folder that can be judged like a run. Its
// manifest says that it is a part, and which property it is for. It is of one recipe, also if the
// run had several.
func saveShrunk(dir, folder string, part record.Run, recipe, property string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	config, err := configOf(dir, recipe)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, record.ConfigFile), config, 0o644)
	}
	if err == nil {
		err = record.WriteFile(filepath.Join(folder, record.HistoryFile), part.Events)
	}
	if err == nil && part.Evidence != nil {
		err = part.Evidence.Save(filepath.Join(folder, record.EvidenceFile))
	}
	if err == nil && part.Commits != nil {
		err = record.WriteCommits(filepath.Join(folder, record.CommittedFile), part.Commits)
	}
	if err == nil && part.Exchanges != nil {
		err = saveWire(filepath.Join(folder, record.WireFile), part.Exchanges)
	}
	if err != nil {
		return err
	}
	manifest := part.Manifest.AsExcerpt(fmt.Sprintf("the smallest part of the run %s that was found to show the violation of %s", part.Manifest.Run, property))
	for _, name := range record.Parts {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			manifest.Absent = append(manifest.Absent, record.Absence{Name: name, Because: "left out: the violation shows without it"})
		}
	}
	return record.Seal(folder, *manifest)
}

// configOf is the configuration of a run, with the name of that recipe.
func configOf(dir, recipe string) ([]byte, error) {
	config, err := record.ReadRegular(filepath.Join(dir, record.ConfigFile))
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(config, &all); err != nil {
		return nil, err
	}
	name, err := json.Marshal(recipe)
	if _, named := all["recipe"]; err != nil || !named || bytes.Equal(all["recipe"], name) {
		return config, err
	}
	all["recipe"] = name
	return json.MarshalIndent(all, "", "  ")
}

func saveWire(path string, exchanges []record.Exchange) error {
	wire, err := record.CreateWire(path)
	if err != nil {
		return err
	}
	for _, x := range exchanges {
		wire.Add(x)
	}
	return wire.Close()
}

// smallest describes the smallest part.
func (e explanation) smallest() string {
	if e.folder == "" {
		return ""
	}
	left, of := e.shrunk.Left, e.shrunk.Of
	said := fmt.Sprintf("Smallest part of the history that shows it: %d of %d events", left.Events, of.Events)
	if n := len(e.shrunk.Run.Exchanges); n > 0 {
		said += fmt.Sprintf(" and %d writes on the wire", n)
	}
	if !e.shrunk.Minimal {
		said += ", as far as the time allowed (torture check --shrink 1m)"
	}
	return said + ", in " + e.folder
}

// replayCommandOf is the command that runs it again; empty without a schedule as it was
// recorded.
func (s Subject) replayCommandOf(dir string) string {
	if !record.Replayable(dir) {
		return ""
	}
	return cmp.Or(s.Command, "torture") + " replay " + dir
}

// tellAll writes every story, and the command that repeats the run, if there is one.
func tellAll(w io.Writer, command string, all []explanation) error {
	for _, e := range all {
		fmt.Fprintf(w, "%s is violated. %s\n\n", e.story.Property, e.story.Reason)
		if err := e.story.Write(w); err != nil {
			return err
		}
		if said := e.smallest(); said != "" {
			fmt.Fprintf(w, "\n%s\n", said)
		}
		fmt.Fprintln(w)
	}
	again := ""
	if command != "" {
		again = " Again: " + command
	}
	_, err := fmt.Fprintf(w, "The numbers with # are those of the events in %s.%s\n", record.HistoryFile, again)
	return err
}

// printExplanation prints the first violation in short, for a terminal.
func printExplanation(out io.Writer, dir string, all []explanation) {
	if len(all) == 0 {
		return
	}
	e := all[0]
	fmt.Fprintln(out)
	if err := e.story.WriteShort(out); err != nil {
		return
	}
	fmt.Fprintln(out)
	if said := e.smallest(); said != "" {
		fmt.Fprintln(out, said)
	}
	fmt.Fprintf(out, "story: %s\n", filepath.Join(dir, record.StoryFile))
}

// explanations are the explanations in the form that the page shows.
func explanations(all []explanation) []report.Explanation {
	shown := make([]report.Explanation, len(all))
	for i, e := range all {
		shown[i] = report.Explanation{Story: e.story, Smallest: e.smallest(), Run: e.run}
	}
	return shown
}
