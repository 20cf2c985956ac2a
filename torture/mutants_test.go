package torture

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/mutants"
)

// TestMutants_SampleByTheirOwnMatrix, wherever the source is, and none of another catalogue.
func TestMutants_SampleByTheirOwnMatrix(t *testing.T) {
	own := mutantOptions{source: "..", catalogue: filepath.Join("..", ownCatalogue)}
	all, err := mutants.Load(own.catalogue)
	if err != nil {
		t.Fatal(err)
	}
	if known, err := own.known(all); err != nil || len(known.Findings) == 0 {
		t.Errorf("of its own: %+v, %v", known, err)
	}
	other := mutantOptions{source: "..", catalogue: "mine.yaml"}
	if known, err := other.known(all); err != nil || len(known.Findings) != 0 {
		t.Errorf("of another: %+v, %v", known, err)
	}
}

// TestMutants_NameBadInput: bad options name themselves and the remedy, before
// anything is built.
func TestMutants_NameBadInput(t *testing.T) {
	const source = "--source=.. "
	for args, says := range map[string]string{
		source + "--on paper":               `--on "paper": use model, tests, memory, ensemble`,
		source + "--only nobody":            `no entry has the id "nobody"; the catalogue has`,
		source + "--budget 0s":              "--budget 0s",
		source + "--load 1ms":               "a load of 1s or more",
		source + "--catalogue nowhere.yaml": "nowhere.yaml",
		source + "--states 0":               "--states 0",
		source + "--results page.md":        "page.md: give a file that ends in .json",
		"--source nowhere":                  "nowhere/internal/mutants/catalogue.yaml",
	} {
		code, text := torture(t, append([]string{"mutants"}, strings.Fields(args)...)...)
		if code != exit.WrongUse || !strings.Contains(text, says) {
			t.Errorf("%s: exit code %d, does not say %q:\n%s", args, code, says, text)
		}
	}
}
