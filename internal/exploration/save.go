package exploration

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Save writes the files of the exploration into a new folder below out, and returns the
// folder. replay is the command that follows the counterexample in that folder again.
func (r *Result) Save(out string, replay func(dir string) string) (string, error) {
	e := r.exploration
	dir, err := record.MakeFolder(out, fmt.Sprintf("explore-%s-%s", e.Engine, time.Now().Format("20060102-150405.000")))
	if err != nil {
		return "", fmt.Errorf("--out %s: %w", out, err)
	}
	if err := r.Verdict.Save(filepath.Join(dir, record.VerdictFile)); err != nil {
		return dir, err
	}
	page := report.Exploration{Report: r.Verdict, Sentence: r.Sentence, Settings: e.settings(), Seen: r.seen, Command: replay(dir)}
	files := map[string]func(io.Writer) error{
		record.ReportFile: func(w io.Writer) error { return page.Write(w) },
		record.WorldFile:  e.write,
	}
	if r.Found != nil {
		page.Lanes, page.Messages = e.picture(r.Found.Schedule)
		files[record.CounterexampleFile] = r.WriteCounterexample
	}
	for name, write := range files {
		if err := record.WriteTo(filepath.Join(dir, name), write); err != nil {
			return dir, err
		}
	}
	return dir, nil
}

// write writes the options as JSON.
func (e *Exploration) write(to io.Writer) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Recipe string
		World  any
		Under  subject.Conditions
		Engine string
		Depth  int
		Seed   uint64
		Time   time.Duration
		States int
		Reduce string
	}{e.Recipe, e.World.Config, e.Conditions, e.Engine, e.Depth, e.Seed, e.Time, e.States, e.Reduce.String()})
}

// picture turns a schedule into a message-sequence chart, with ZooKeeper in the middle
// of its clients.
func (e *Exploration) picture(schedule explore.Schedule) (lanes []string, messages []report.Message) {
	w := e.World.Model
	steps := explore.Explain(w, schedule)
	outside := slices.ContainsFunc(steps, func(s explore.Step) bool { return s.To == explore.Outside })
	for i, p := range w.Processes {
		if i == (len(w.Processes)+1)/2 {
			lanes = append(lanes, string(explore.ZooKeeper))
		}
		lanes = append(lanes, p.Name)
	}
	if outside {
		lanes = append(lanes, string(explore.Outside))
	}
	at := func(p explore.Party) int { return slices.Index(lanes, string(p)) }
	for _, s := range steps {
		messages = append(messages, report.Message{From: at(s.From), To: at(s.To), Text: s.Text, Answer: s.Answer, Fault: s.Fault, Lost: s.Lost})
	}
	return lanes, messages
}
