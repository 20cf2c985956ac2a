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
		Use: "mutants", Short: "Plant defects in the source, and see which checks notice them", Args: cobra.NoArgs,
		Long: fmt.Sprintf("Plant the defects of a catalogue, one after the other. Report which check\n"+
			"notices each, how fast, and under which fault. The source tree stays as it is:\n"+
			"each defect is built with go build -overlay. The source without a defect is\n"+
			"tested, too, and must be clean.\n\n"+
			"Engines:\n"+
			"  model     the explorer\n"+
			"  memory    torture runs in memory\n"+
			"  ensemble  torture runs on a real ensemble\n"+
			"  tests     go test\n\n"+
			"The catalogue says which engines can test a defect.\n\n"+
			"The exit code is %d if a defect survives, if another check notices it than the\n"+
			"catalogue expects, or if there is a false alarm. Otherwise it is %d if a test\n"+
			"could not be carried out.", exit.Invalid, exit.NotCarriedOut),
		Example: "  torture mutants\n  torture mutants --on memory,ensemble --only two-writes\n  torture mutants --catalogue mine.yaml --source ../mine",
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.on, "on", []string{mutants.ModelEngine}, "engines, comma-separated: "+strings.Join(mutants.Engines, ", "))
	f.StringVar(&o.source, "source", ".", "root of the source tree to plant defects in")
	f.StringVar(&o.catalogue, "catalogue", "", "file of defects (default: internal/mutants/catalogue.yaml of the source)")
	f.StringSliceVar(&o.only, "only", nil, "ids of the defects to test, comma-separated (default: all)")
	f.IntVar(&o.handful, "handful", 0, "test this many of the defects that results/mutants.json has as caught at the first try, other ones each day (default: all)")
	f.Var(&o.shard, "shard", "test only every n-th defect, from the i-th on; torture merge adds the shards up")
	f.IntVar(&o.jobs, "jobs", runtime.NumCPU(), "how many defects to test in parallel; go test and runs on a real ensemble always run alone")
	f.DurationVar(&o.budget, "budget", time.Minute, "time limit for each defect on each engine, and for each call of go test; a run that has begun is completed")
	f.DurationVar(&o.load, "load", 6*time.Second, "how long the load of the first run of a defect lasts; each further run lasts twice as long as the one before")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the first torture run; each further run takes the next number")
	f.IntVar(&o.states, "states", 50_000_000, "how many states the explorer may keep")
	f.StringVar(&o.results, "results", "", "file to add the findings to; a Markdown page with the same findings goes beside it")
	f.StringVar(&o.keep, "keep", "", "folder to keep one run that is not valid for each defect, and the command with the defect (default: keep none)")
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
		return fail(fmt.Errorf("--handful %d --jobs %d: give --handful 0 or more, and --jobs 1 or more", o.handful, o.jobs))
	}
	if o.states < 1 {
		return fail(fmt.Errorf("--states %d: use 1 or more", o.states))
	}
	if o.budget <= 0 || o.load < time.Second {
		return fail(fmt.Errorf("--budget %v --load %v: use a budget above 0, and a load of 1s or more", o.budget, o.load))
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
	fmt.Fprintf(out, "today's selection; to test the same again: --only %s\n", strings.Join(few.IDs(), ","))
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
	fmt.Fprintf(out, "\n%d caught, %d noticed by other checks than expected, %d survived, %d survived as the catalogue says; without a defect %d clean, %d false alarms; %d not carried out\n",
		counts[mutants.Caught], counts[mutants.Astray], counts[mutants.Survived], counts[mutants.Explained], counts[mutants.Clean], counts[mutants.Alarm], counts[mutants.Failed])
	switch {
	case counts[mutants.Astray]+counts[mutants.Survived]+counts[mutants.Alarm] > 0:
		return codeError(exit.Invalid)
	case counts[mutants.Failed] > 0:
		return codeError(exit.NotCarriedOut)
	}
	return nil
}
