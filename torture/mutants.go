package torture

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/campaign"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/harness"
	"github.com/ringmaster-zk/ringmaster/internal/mutants"
)

// mutantOptions are one call of torture mutants.
type mutantOptions struct {
	on, only           []string
	catalogue, results string
	source, keep       string
	budget, load       time.Duration
	seed               uint64
	states             int
	handful, jobs      int
	shard              campaign.Shard
}

func mutantsCommand() *cobra.Command {
	var o mutantOptions
	cmd := &cobra.Command{
		Use: "mutants", Short: "Plant defects, one after the other, and see who notices", Args: cobra.NoArgs,
		Long: "Plant the defects of a catalogue, one after the other, and see who notices, how fast, and under\n" +
			"which fault. Each is built with go build -overlay, so that the source is not touched; the source\n" +
			"as it is goes the same way and must be clean.\n\n" +
			"Engines: model (the explorer), memory (torture runs in memory), ensemble (torture runs on a real\n" +
			"ensemble), tests (go test). An entry is hunted where it has something for the engine.\n\n" +
			fmt.Sprintf("The exit code is %d when a defect survives, when something else notices it than the catalogue\n"+
				"expects, or when there is a false alarm, otherwise %d when something could not be looked for.", exit.Invalid, exit.NotCarriedOut),
		Example: "  torture mutants\n  torture mutants --on memory,ensemble --only two-writes\n  torture mutants --catalogue mine.yaml --source ../mine",
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.on, "on", []string{mutants.ModelEngine}, "engines, comma-separated: "+strings.Join(mutants.Engines, ", "))
	f.StringVar(&o.source, "source", ".", "root of the source tree to plant defects in")
	f.StringVar(&o.catalogue, "catalogue", "", "file of defects (default: internal/mutants/catalogue.yaml of the source)")
	f.StringSliceVar(&o.only, "only", nil, "ids of the defects to hunt, comma-separated (default: all)")
	f.IntVar(&o.handful, "handful", 0, "hunt only so many of them, others each day, of those that results/mutants.json has as caught at the first try (default: all)")
	f.Var(&o.shard, "shard", "hunt only every n-th of them, from the i-th on; torture merge adds the shards up")
	f.IntVar(&o.jobs, "jobs", runtime.NumCPU(), "defects that are hunted side by side; tests and runs on a real ensemble are always alone")
	f.DurationVar(&o.budget, "budget", time.Minute, "how long each defect is hunted on each engine, or each call of go test may take; a run that has begun is completed")
	f.DurationVar(&o.load, "load", 6*time.Second, "how long the load of the first torture run of each defect lasts; that of the next lasts twice as long, and so on")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the first torture run; the next has the next")
	f.IntVar(&o.states, "states", 50_000_000, "states that the explorer may keep")
	f.StringVar(&o.results, "results", "", "file to keep findings in, from one call to the next; beside it, the same for people, in Markdown")
	f.StringVar(&o.keep, "keep", "", "folder to keep torture runs in that are not valid, one for each defect, and beside them the command with the defect in it (default: none is kept)")
	return cmd
}

func (o mutantOptions) run(ctx context.Context, out io.Writer) error {
	hunt, picked, err := o.prepare(out)
	if err != nil {
		return exit.With(exit.WrongUse, err)
	}
	findings, interrupted := hunt.Go(ctx, picked)
	if len(findings) == 0 {
		return interrupted
	}
	if err = sum(findings, out); err == nil {
		return interrupted
	}
	if interrupted != nil {
		fmt.Fprintf(os.Stderr, "torture: %v\n", interrupted)
	}
	return err // the findings outrank it
}

// prepare makes from the options a hunt, and the entries to test.
func (o mutantOptions) prepare(out io.Writer) (hunt mutants.Hunt, picked mutants.Catalogue, err error) {
	if o.catalogue == "" {
		o.catalogue = filepath.Join(o.source, ownCatalogue)
	}
	fail := func(err error) (mutants.Hunt, mutants.Catalogue, error) { return mutants.Hunt{}, nil, err }
	if o.handful < 0 || o.jobs < 1 {
		return fail(fmt.Errorf("--handful %d --jobs %d: a handful has none or more, and there is one job at least", o.handful, o.jobs))
	}
	if o.states < 1 {
		return fail(fmt.Errorf("--states %d: give the explorer room for one state at least", o.states))
	}
	if o.budget <= 0 || o.load < time.Second {
		return fail(fmt.Errorf("--budget %v --load %v: give the budget some time, and the load 1s at least", o.budget, o.load))
	}
	all, err := mutants.Load(o.catalogue)
	if err != nil {
		return fail(err)
	}
	if picked, err = all.Only(o.only); err != nil {
		return fail(err)
	}
	picked = part(picked, o.shard)
	engines, err := o.engines()
	if err != nil {
		return fail(err)
	}
	if o.handful > 0 {
		if picked, err = o.today(all, picked, engines, out); err != nil {
			return fail(err)
		}
	}
	hunt = mutants.Hunt{
		Source: mutants.Source{Dir: o.source, Command: "./cmd/torture"}, Engines: engines, Budget: o.budget, Jobs: o.jobs, Out: out, Commands: o.keep,
		Keep: func(mutants.Finding) error { return nil },
	}
	if o.results != "" {
		hunt.Keep, err = o.keeper(all)
	}
	return hunt, picked, err
}

// part is a shard's part of the picked entries.
func part(picked mutants.Catalogue, s campaign.Shard) (mine mutants.Catalogue) {
	for i, e := range picked {
		if s.Has(i) {
			mine = append(mine, e)
		}
	}
	return mine
}

// A source has its own catalogue and matrix at these places.
const (
	ownCatalogue = "internal/mutants/catalogue.yaml"
	ownMatrix    = "results/mutants.json"
)

// known is the source's own matrix, or an empty one for a catalogue from elsewhere.
func (o mutantOptions) known(all mutants.Catalogue) (*mutants.Matrix, error) {
	if o.catalogue != filepath.Join(o.source, ownCatalogue) {
		return &mutants.Matrix{}, nil
	}
	return mutants.OpenMatrix(filepath.Join(o.source, ownMatrix), ownCatalogue, all)
}

// today picks today's sample of the picked entries.
func (o mutantOptions) today(all, picked mutants.Catalogue, engines []mutants.Engine, out io.Writer) (mutants.Catalogue, error) {
	known, err := o.known(all)
	if err != nil {
		return nil, err
	}
	few := picked.Sample(o.handful, int(time.Now().Unix()/86400), engines, known)
	fmt.Fprintf(out, "the handful of today; the same again with --only %s\n", strings.Join(few.IDs(), ","))
	return few, nil
}

// engines are the engines that the options name.
func (o mutantOptions) engines() ([]mutants.Engine, error) {
	var all []mutants.Engine
	for i, name := range o.on {
		if slices.Contains(o.on[:i], name) {
			continue
		}
		switch name {
		case mutants.ModelEngine:
			all = append(all, mutants.Model{States: o.states})
		case mutants.TestsEngine:
			all = append(all, mutants.Tests{})
		case mutants.MemoryEngine:
			all = append(all, mutants.Runs{Ensemble: harness.Memory, Load: o.load, First: o.seed, Do: o.torture})
		case mutants.EnsembleEngine:
			all = append(all, mutants.Runs{Ensemble: harness.Docker, Load: o.load, First: o.seed, Do: o.torture})
		default:
			return nil, fmt.Errorf("--on %q: use %s", name, strings.Join(mutants.Engines, ", "))
		}
	}
	return all, nil
}

// torture does one run of a binary with a defect in it.
func (o mutantOptions) torture(ctx context.Context, binary, id string, args []string, seed uint64) campaign.Outcome {
	runs := &runner{executable: binary, args: args, out: filepath.Join(o.keep, id)}
	if o.keep == "" {
		runs.out = filepath.Join(filepath.Dir(binary), "runs")
	}
	return runs.run(ctx, seed)
}

// keeper keeps findings, and writes them down for people.
func (o mutantOptions) keeper(all mutants.Catalogue) (func(mutants.Finding) error, error) {
	matrix, err := mutants.OpenMatrix(o.results, o.catalogue, all)
	if err == nil {
		err = matrix.Save() // to find out before the first run whether it can be written
	}
	if err != nil {
		return nil, err
	}
	return matrix.Keep, nil
}

// sum summarizes all findings, and turns them into an exit code.
func sum(findings []mutants.Finding, out io.Writer) error {
	counts := map[mutants.Outcome]int{}
	for _, f := range findings {
		counts[f.Outcome]++
	}
	fmt.Fprintf(out, "\n%d caught, %d noticed by others than expected, %d survived, %d survived as the catalogue says; without a defect %d clean, %d false alarms; %d could not be looked for\n",
		counts[mutants.Caught], counts[mutants.Astray], counts[mutants.Survived], counts[mutants.Explained], counts[mutants.Clean], counts[mutants.Alarm], counts[mutants.Failed])
	switch {
	case counts[mutants.Astray]+counts[mutants.Survived]+counts[mutants.Alarm] > 0:
		return codeError(exit.Invalid)
	case counts[mutants.Failed] > 0:
		return codeError(exit.NotCarriedOut)
	}
	return nil
}
