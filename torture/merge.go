package torture

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/campaign"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/mutants"
	"github.com/ringmaster-zk/ringmaster/record"
)

// merging is one call of torture merge.
type merging struct {
	results, source, catalogue string
}

func mergeCommand() *cobra.Command {
	var m merging
	cmd := &cobra.Command{
		Use: "merge FILE...", Short: "Add up the result files of several shards", Args: cobra.MinimumNArgs(1),
		Long: "Add up the files that several shards have written with torture soak --results,\n" +
			"or with torture mutants --results, on one machine or on many.\n\n" +
			"Files of soak: merge adds up the runs with the same commit and options. It\n" +
			"refuses a run that two files contain. The exit code is that of the worst run.\n\n" +
			"Files of mutants: merge keeps the later of two findings about the same planted\n" +
			"defect on the same engine.",
		Example: "  torture merge shard1.json shard2.json shard3.json\n  torture merge --results results/mutants.json monday.json tuesday.json",
		RunE: func(cmd *cobra.Command, files []string) error {
			findings, err := haveFindings(files)
			switch {
			case err != nil:
				return exit.With(exit.WrongUse, err)
			case findings:
				return m.matrices(files, cmd.OutOrStdout())
			}
			return m.logs(files, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&m.results, "results", "", "file to write the sum to; findings about planted defects are added to those in it")
	f.StringVar(&m.source, "source", ".", "root of the source tree in which the defects were planted")
	f.StringVar(&m.catalogue, "catalogue", "", "file of planted defects (default: "+ownCatalogue+" of the source)")
	return cmd
}

// haveFindings reports whether the files were written by torture mutants. All must be
// of one kind.
func haveFindings(files []string) (bool, error) {
	kinds := map[bool]string{}
	for _, path := range files {
		data, err := record.ReadRegular(path)
		if err != nil {
			return false, fmt.Errorf("%w: give files that torture soak --results or torture mutants --results has written", err)
		}
		var content map[string]json.RawMessage
		if err := json.Unmarshal(data, &content); err != nil {
			return false, fmt.Errorf("%s: %w: give files that torture soak --results or torture mutants --results has written", path, err)
		}
		_, findings := content["findings"]
		_, batches := content["batches"]
		if findings == batches {
			return false, fmt.Errorf("%s was written neither by torture soak --results nor by torture mutants --results", path)
		}
		kinds[findings] = path
	}
	if len(kinds) == 2 {
		return false, fmt.Errorf("%s is from torture mutants and %s is from torture soak: merge files of one kind", kinds[true], kinds[false])
	}
	return kinds[true] != "", nil
}

// logs adds up runs of soak.
func (m merging) logs(files []string, out io.Writer) error {
	var sum campaign.Log
	for _, path := range files {
		one, err := campaign.ReadLog(path)
		if err != nil {
			return exit.With(exit.WrongUse, err)
		}
		for _, b := range one.Batches {
			if err := sum.Add(b); err != nil {
				return exit.With(exit.WrongUse, fmt.Errorf("%s: %w", path, err))
			}
		}
	}
	if m.results != "" {
		if err := sum.Save(m.results); err != nil {
			return err
		}
	}
	code, err := sum.Write(out)
	if err == nil && code != exit.Done {
		return codeError(code)
	}
	return err
}

// matrices adds up findings about planted defects.
func (m merging) matrices(files []string, out io.Writer) error {
	if m.results == "" {
		return exit.With(exit.WrongUse, fmt.Errorf("--results: name the file to add the findings to, such as %s", ownMatrix))
	}
	if m.catalogue == "" {
		m.catalogue = filepath.Join(m.source, ownCatalogue)
	}
	all, err := mutants.Load(m.catalogue)
	if err != nil {
		return exit.With(exit.WrongUse, err)
	}
	sum, err := mutants.OpenMatrix(m.results, m.catalogue, all)
	if err != nil {
		return exit.With(exit.WrongUse, err)
	}
	for _, path := range files {
		taken, err := sum.Merge(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %d findings added\n", path, taken)
	}
	return nil
}
