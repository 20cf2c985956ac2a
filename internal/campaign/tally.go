package campaign

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// Outcome is the outcome of one run.
type Outcome struct {
	Seed    uint64          `json:"seed"`
	Verdict checker.Verdict `json:"verdict,omitempty"` // empty when the run could not be carried out
	Objects int             `json:"tasks"`             // how many objects of the recipe it was about; the key is older than other recipes
	Of      string          `json:"of,omitempty"`      // what these objects are, in the plural
	// Uncounted says that the judges did not count the objects. A run that could not be
	// carried out has no number, either.
	Uncounted bool             `json:"uncounted,omitempty"`
	Open      int              `json:"open"` // operations with an unknown outcome
	Faults    []nemesis.Record `json:"faults,omitempty"`
	Took      time.Duration    `json:"took"`              // in ns
	Problem   string           `json:"problem,omitempty"` // why it could not be carried out
	Crashed   bool             `json:"crashed,omitempty"` // the command crashed
	Kept      string           `json:"kept,omitempty"`    // the folder of the run; empty when it was removed

	Violations []checker.Property `json:"violations,omitempty"`
}

// Effective counts the faults that their probes saw take effect.
func (o Outcome) Effective() int {
	n := 0
	for _, f := range o.Faults {
		if f.Effective {
			n++
		}
	}
	return n
}

// word is the verdict, or a word for the lack of one.
func (o Outcome) word() string {
	switch {
	case o.Crashed:
		return "crashed"
	case o.Verdict == "":
		return "failed"
	}
	return string(o.Verdict)
}

// Tally is the sum of all runs so far.
type Tally struct {
	Runs, Objects, Open int
	Of                  string // what the objects are, in the plural
	uncounted           bool   // a run was judged, and its objects were not counted
	Verdicts            map[checker.Verdict]int
	Failed              int // could not be carried out
	Took                time.Duration
	kinds               map[nemesis.Kind]counts
	notValid            []Outcome // outcomes that are not valid
}

// counts are the counts of one kind of fault.
type counts struct{ intended, applied, effective int }

// NewTally begins with no runs.
func NewTally() *Tally {
	return &Tally{Verdicts: map[checker.Verdict]int{}, kinds: map[nemesis.Kind]counts{}}
}

// Add counts a run.
func (t *Tally) Add(o Outcome) {
	t.Runs++
	t.Took += o.Took
	if o.Verdict != checker.Valid {
		t.notValid = append(t.notValid, o)
	}
	if o.Verdict == "" {
		t.Failed++
		return
	}
	t.Verdicts[o.Verdict]++
	t.Objects, t.Of = t.Objects+o.Objects, cmp.Or(t.Of, o.Of)
	t.uncounted = t.uncounted || o.Uncounted
	t.Open += o.Open
	for _, f := range o.Faults {
		c := t.kinds[f.Kind]
		c.intended++
		if f.Applied {
			c.applied++
		}
		if f.Effective {
			c.effective++
		}
		t.kinds[f.Kind] = c
	}
}

// ExitCode is the exit code of the worst run: invalid, then a run that could not be
// carried out, then unknown, then vacuous. An unknown never hides a violation.
func (t *Tally) ExitCode() exit.Code {
	switch {
	case t.Verdicts[checker.Invalid] > 0:
		return checker.Invalid.ExitCode()
	case t.Failed > 0:
		return exit.NotCarriedOut
	case t.Verdicts[checker.Unknown] > 0:
		return checker.Unknown.ExitCode()
	case t.Verdicts[checker.Vacuous] > 0:
		return checker.Vacuous.ExitCode()
	}
	return exit.Done
}

// Heading is the first line above those of the runs.
const Heading = "   run     seed  verdict  objects  faults effective     took   runs: valid unknown vacuous invalid failed"

// Line is the line of a run that has just been added: the run itself, and the sums.
func (t *Tally) Line(o Outcome) string {
	objects := strconv.Itoa(o.Objects)
	if o.Uncounted || o.Verdict == "" {
		objects = "-"
	}
	line := fmt.Sprintf("%6d %8d  %-8s %7s  %9s %14s         %5d %7d %7d %7d %6d",
		t.Runs, o.Seed, o.word(), objects, fmt.Sprintf("%d of %d", o.Effective(), len(o.Faults)), o.Took.Round(time.Second),
		t.Verdicts[checker.Valid], t.Verdicts[checker.Unknown], t.Verdicts[checker.Vacuous], t.Verdicts[checker.Invalid], t.Failed)
	if o.Problem != "" {
		line += "\n       " + o.Problem
	}
	if o.Kept != "" {
		line += "\n       kept: " + o.Kept
	}
	return line
}

// objects is the number of objects, before what follows it. It is empty if a run lacks
// its number.
func (t *Tally) objects() string {
	if t.uncounted {
		return ""
	}
	return fmt.Sprintf("%d %s, ", t.Objects, cmp.Or(t.Of, "objects"))
}

// Write prints the sums, by kind of fault, and the runs that were not valid.
func (t *Tally) Write(w io.Writer) error {
	var sum counts
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "fault\tintended\tapplied\teffective\t")
	var idle []string
	for _, e := range nemesis.Catalogue {
		c, met := t.kinds[e.Kind]
		if !met {
			continue
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t\n", e.Kind, c.intended, c.applied, c.effective)
		sum = counts{sum.intended + c.intended, sum.applied + c.applied, sum.effective + c.effective}
		if c.effective == 0 {
			idle = append(idle, string(e.Kind))
		}
	}
	fmt.Fprintf(table, "together\t%d\t%d\t%d\t\n", sum.intended, sum.applied, sum.effective)
	if err := table.Flush(); err != nil {
		return err
	}
	if len(idle) > 0 {
		fmt.Fprintf(w, "never effective: %s\n", strings.Join(idle, ", "))
	}
	fmt.Fprintf(w, "\n%d runs in %v: %d valid, %d unknown, %d vacuous, %d invalid, %d failed; %s%d unknown outcomes left open\n",
		t.Runs, t.Took.Round(time.Second), t.Verdicts[checker.Valid], t.Verdicts[checker.Unknown], t.Verdicts[checker.Vacuous],
		t.Verdicts[checker.Invalid], t.Failed, t.objects(), t.Open)
	for _, o := range t.notValid {
		said := o.word()
		switch {
		case o.Crashed:
			said = o.Problem
		case o.Problem != "":
			said += ": " + o.Problem
		}
		fmt.Fprintf(w, "seed %d: %s\n", o.Seed, strings.TrimSpace(said+" "+o.Kept))
	}
	return nil
}
