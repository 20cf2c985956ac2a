package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/tlc"
	"github.com/ringmaster-zk/ringmaster/spec/agree"
)

// specified is one call of torture spec.
type specified struct {
	dir    string
	only   []string
	write  bool
	differ string
}

func specCommand() *cobra.Command {
	s := specified{}
	cmd := &cobra.Command{
		Use: "spec", Short: "Have TLC check the specification, and hold what it says against the manifest", Args: cobra.NoArgs,
		Long: "Have TLC check everything in spec/tla/manifest.json, and hold its answers against the manifest:\n" +
			"results, lengths of counterexamples, states, transitions, depths, and what can be told of the graph\n" +
			"of states. A test (make explore) holds the manifest against the explorer, and so does --differ.\n\n" +
			"TLC is what TLA2TOOLS_JAR names, otherwise the official release, downloaded once into the user's\n" +
			"cache folder and held against its checksum. It needs java.\n\n" +
			fmt.Sprintf("Exit codes: %d every answer is as in the manifest, %d one is not, %d TLC or the files are at fault,\n"+
				"%d there is no TLC.", exit.Done, exit.Invalid, exit.NotCarriedOut, exit.NoTLC),
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	cmd.Flags().StringVar(&s.dir, "dir", "spec/tla", "folder of the specification")
	cmd.Flags().StringSliceVar(&s.only, "only", nil, "names of checks; default all")
	cmd.Flags().StringVar(&s.differ, "differ", "", "a complete world, by the name of its check: tell where the explorer and TLC can be told apart")
	cmd.Flags().BoolVar(&s.write, "write", false, "write configurations and manifest instead of holding against them; for who has changed the specification")
	return cmd
}

func (s specified) run(ctx context.Context, out io.Writer) error {
	checks, err := s.chosen()
	if err != nil {
		return err
	}
	if s.write {
		if err := agree.WriteConfigs(s.dir); err != nil {
			return err
		}
	}
	files := os.DirFS(s.dir)
	manifest, err := agree.Load(files)
	if err != nil && !(s.write && errors.Is(err, fs.ErrNotExist)) {
		return exit.Misuse("--dir %s: %w; run it in the repository", s.dir, err)
	}
	by, err := tlc.Fetch(ctx)
	if err != nil {
		return err
	}
	if s.differ != "" {
		return tellDifference(ctx, checks[0], by, files, out)
	}
	wrong := 0
	for _, check := range checks {
		entry, err := check.Ask(ctx, by, files)
		if err != nil {
			return err
		}
		err = check.Expected(entry)
		switch {
		case err != nil:
		case s.write:
			manifest.Put(entry)
			err = errors.Join(manifest.Save(s.dir), manifest.WriteTables(s.dir))
		default:
			err = manifest.Agrees(entry)
		}
		fmt.Fprintln(out, entry.Line())
		if err != nil {
			wrong++
			fmt.Fprintf(out, "  %v\n", err)
		}
	}
	if wrong > 0 {
		fmt.Fprintf(out, "\nINVALID: %d of %d answers of TLC are not as they should be.\n", wrong, len(checks))
		return verdictError{checker.Invalid}
	}
	fmt.Fprintf(out, "\nVALID: %d answers of TLC are as they should be.\n", len(checks))
	return nil
}

// chosen are the checks that the options name.
func (s specified) chosen() ([]agree.Check, error) {
	all, names := agree.Plan(), s.only
	if s.differ != "" {
		names = []string{s.differ}
	}
	if len(names) == 0 {
		return all, nil
	}
	var chosen []agree.Check
	for _, name := range names {
		at := slices.IndexFunc(all, func(c agree.Check) bool { return c.Name == name })
		if at < 0 {
			return nil, exit.Misuse("%s: there is no such check; the names are in %s", name, filepath.Join(s.dir, "manifest.json"))
		}
		if s.differ != "" && all[at].Kind != agree.Complete {
			return nil, exit.Misuse("--differ %s: only worlds that both visit can be compared, those of kind %q", name, agree.Complete)
		}
		chosen = append(chosen, all[at])
	}
	return chosen, nil
}

// tellDifference prints where the two descriptions of one world differ.
func tellDifference(ctx context.Context, check agree.Check, by tlc.TLC, files fs.FS, out io.Writer) error {
	difference, err := check.Differ(ctx, by, files)
	switch {
	case err != nil:
		return err
	case difference == "":
		fmt.Fprintf(out, "VALID: nobody can tell the explorer and TLC apart in %s.\n", check.Name)
		return nil
	}
	fmt.Fprintf(out, "INVALID: the explorer (the first) and TLC (the second) differ %s\n", difference)
	return verdictError{checker.Invalid}
}
