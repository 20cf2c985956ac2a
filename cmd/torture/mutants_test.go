package main

import (
	"strings"
	"testing"
)

// TestMutantsSayWhatIsWrong: bad options name themselves and the remedy, before
// anything is built.
func TestMutantsSayWhatIsWrong(t *testing.T) {
	const source = "--source=../.. "
	for args, says := range map[string]string{
		source + "--on paper":               `--on "paper": use model, tests, memory, ensemble`,
		source + "--only nobody":            `no entry has the id "nobody"; there are`,
		source + "--budget 0s":              "--budget 0s",
		source + "--load 1ms":               "the load 1s at least",
		source + "--catalogue nowhere.yaml": "nowhere.yaml",
		"--source nowhere":                  "nowhere/mutants/catalogue.yaml",
	} {
		code, text := torture(t, append([]string{"mutants"}, strings.Fields(args)...)...)
		if code != 4 || !strings.Contains(text, says) {
			t.Errorf("%s: exit code %d, does not say %q:\n%s", args, code, says, text)
		}
	}
}
