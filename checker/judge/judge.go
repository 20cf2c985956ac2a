package judge

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Subject is how the runs of one recipe are judged, told and drawn.
type Subject struct {
	Name    string // of the recipe
	Command string // that repeats its runs; empty: torture
	Judge   checker.Judging
	Stories explain.Stories
	Lanes   report.Lanes
	Parts   []Part // the recipes of a run that has several
}

// Part is one of several recipes that shared an ensemble in a run: its violations are told, and
// shrunk, as those of a run that it had alone.
type Part struct {
	Subject
	record.Portion
}

// Folder gives the verdict on a stored run and writes it down. It explains each
// violation and spends at most the budget on looking for the smallest history that
// shows it. A picture that cannot be drawn does not change the verdict. An error
// without a verdict means that the folder cannot be judged; an error with a verdict
// means that the verdict could not be saved.
func Folder(dir string, subject Subject, budget time.Duration, out io.Writer) (checker.Verdict, error) {
	config, run, err := record.Open(dir)
	if err != nil {
		return "", err
	}
	if subject.Judge.Judge == nil {
		return "", fmt.Errorf("judge: %s: the recipe %q has no judges", dir, subject.Name)
	}
	result := checker.Check(run, cmp.Or(config.Seed, run.Manifest.Seed), subject.Judge)
	unsaved := result.Save(filepath.Join(dir, record.VerdictFile))
	explained := explainer{dir, subject, result.Seed, result.Index()}.all(result.Violations(), budget, out)
	page := report.Page{
		Run: result.Index(), Lanes: subject.Lanes, Report: &result.Report, Settings: settings(config, cmp.Or(subject.Lanes.Objects, "objects")), Servers: config.ServerNames(), Linearizability: record.LinearizabilityFile,
		InMemory: config.Ensemble == record.Memory, Explanations: explanations(explained), Replay: subject.replayCommandOf(dir),
	}
	for name, draw := range map[string]func(io.Writer) error{record.LinearizabilityFile: result.WriteLinearizability, record.ReportFile: page.Write} {
		if err := record.WriteTo(filepath.Join(dir, name), draw); err != nil {
			fmt.Fprintf(out, "could not draw %s: %v\n", name, err)
		}
	}
	subject.Lanes.Print(out, &result.Report)
	printExplanation(out, dir, explained)
	fmt.Fprintf(out, "report: %s\n", filepath.Join(dir, record.ReportFile))
	if again := subject.replayCommandOf(dir); again != "" && result.Verdict != checker.Valid {
		fmt.Fprintf(out, "repeat: %s\n", again)
	}
	if unsaved != nil {
		fmt.Fprintf(out, "could not save the verdict: %v\n", unsaved)
	}
	return result.Verdict, unsaved
}

// participantsOf says how many participants there are of each role.
func participantsOf(c record.Config) string {
	var all []string
	for _, role := range c.RoleCounts() {
		all = append(all, role.String())
	}
	return strings.Join(all, ", ")
}

// settings lists the options of the run for the report.
func settings(c record.Config, objects string) []report.Setting {
	commit := c.Versions.Commit
	if c.Versions.Dirty {
		commit += " with changes"
	}
	load := c.Time.String()
	if c.Rate > 0 {
		load += fmt.Sprintf(" at %v %s per second", c.Rate, objects)
	}
	var builds []report.Setting
	if len(c.Builds) > 0 {
		builds = append(builds, report.Setting{Name: "participants' builds", Value: c.Builds.String()})
	}
	return append(builds, []report.Setting{
		{Name: "seed", Value: fmt.Sprint(c.Seed)},
		{Name: "started", Value: c.Started.Format(time.DateTime + " UTC")},
		{Name: "load", Value: load},
		{Name: "participants", Value: participantsOf(c)},
		{Name: "ensemble", Value: fmt.Sprintf("%d servers (%s), ZooKeeper %s, profile %s, tick %v, session timeout %v", len(c.Addresses), c.Ensemble, c.Versions.ZooKeeper, cmp.Or(c.Profile, record.PlainProfile), c.TickTime, c.SessionTimeout)},
		{Name: "image", Value: strings.TrimSpace(c.Pulled.Reference + " " + c.Pulled.ID)},
		{Name: "faults", Value: strings.Join(c.Nemesis, ", ")},
		{Name: "client library", Value: "github.com/go-zookeeper/zk " + c.Versions.Client},
		{Name: "built from", Value: fmt.Sprintf("commit %s, %s, %s", commit, c.Versions.Go, c.Versions.System)},
	}...)
}
