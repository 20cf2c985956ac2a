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
		Use: "spec", Short: "Check the specification with TLC, and compare with the manifest", Args: cobra.NoArgs,
		Long: fmt.Sprintf("Run every check of spec/tla/manifest.json with TLC, and compare each answer\n"+
			"with the manifest: result, length of the counterexample, states, transitions,\n"+
			"depth, and the shape of the state graph. A test (make explore) compares the\n"+
			"manifest with the explorer, and so does --differ.\n\n"+
			"TLC is the jar that TLA2TOOLS_JAR names. Without it, the command downloads the\n"+
			"official release once, into the user's cache folder, and verifies its\n"+
			"checksum. TLC needs java.\n\n"+
			"Exit codes:\n"+
			"  %3d  every answer agrees with the manifest\n"+
			"  %3d  an answer differs\n"+
			"  %3d  TLC or the files are at fault\n"+
			"  %3d  TLC was not found",
			exit.Done, exit.Invalid, exit.NotCarriedOut, exit.NoTLC),
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	cmd.Flags().StringVar(&s.dir, "dir", "spec/tla", "folder of the specification")
	cmd.Flags().StringSliceVar(&s.only, "only", nil, "names of the checks to run, comma-separated (default: all)")
	cmd.Flags().StringVar(&s.differ, "differ", "", "name of a check of kind \"complete\": print where the graphs of the explorer and of TLC differ")
	cmd.Flags().BoolVar(&s.write, "write", false, "write the configurations and the manifest instead of comparing; for use after a change of the specification")
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
		return exit.Misuse("--dir %s: %w; run the command in the repository, or name its folder spec/tla", s.dir, err)
	}
	by, err := tlc.Fetch(ctx)
	if err != nil {
		return err
	}
	if s.differ != "" {
		return tellDifference(ctx, checks[0], by, files, out)
	}
	wrong := 0
	for i, check := range checks {
		entry, err := check.Ask(ctx, by, files)
		if err != nil {
			return err
		}
		if note := manifest.Note(entry); i == 0 && note != "" && !s.write {
			fmt.Fprintln(out, note)
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
		fmt.Fprintf(out, "\nINVALID: %d of %d answers of TLC differ from the manifest.\n", wrong, len(checks))
		return verdictError{checker.Invalid}
	}
	fmt.Fprintf(out, "\nVALID: all %d answers of TLC agree with the manifest.\n", len(checks))
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
			return nil, exit.Misuse("%s: no check has this name; %s lists the names", name, filepath.Join(s.dir, "manifest.json"))
		}
		if s.differ != "" && all[at].Kind != agree.Complete {
			return nil, exit.Misuse("--differ %s: only a check of kind %q can be compared", name, agree.Complete)
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
		fmt.Fprintf(out, "VALID: the explorer and TLC have the same graph of states in %s.\n", check.Name)
		return nil
	}
	fmt.Fprintf(out, "INVALID: the explorer (the first) and TLC (the second) differ %s\n", difference)
	return verdictError{checker.Invalid}
}
