package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
)

// Build is a torture command.
type Build struct {
	Name  string // of it in the table
	Path  string
	Flags []string // of its bench, with their values
}

// turnsOfEach is how often each of two builds has its turn: a machine is not as fast at one moment as
// at the next.
const turnsOfEach = 2

// ErrNotABuild is returned for a file that is no torture command with a bench.
var ErrNotABuild = errors.New("it has no `bench --help` of a torture command")

// Ability is what the bench of a build can be told.
type Ability struct {
	flags  map[string]bool
	suites []string // none: it has one measurement only, that of drain
}

var (
	flagOfHelp  = regexp.MustCompile(`(?m)^\s+(?:-[a-z], )?--([a-z-]+)`)
	suiteOfHelp = regexp.MustCompile(`(?m)^  ([a-z]+) +\S`)
)

// AbilityOf asks a build for the help of its bench. It returns ErrNotABuild for another program.
func AbilityOf(ctx context.Context, path string) (Ability, error) {
	out, err := exec.CommandContext(ctx, path, "bench", "--help").Output()
	a := readAbility(string(out))
	if err != nil || !a.flags["tasks"] {
		return a, errors.Join(fmt.Errorf("%s: %w", path, ErrNotABuild), err)
	}
	return a, nil
}

func readAbility(help string) Ability {
	a := Ability{flags: map[string]bool{}}
	for _, m := range flagOfHelp.FindAllStringSubmatch(help, -1) {
		a.flags[m[1]] = true
	}
	if _, listed, ok := strings.Cut(help, "\nSuites:\n"); ok {
		listed, _, _ = strings.Cut(listed, "\n\n")
		for _, m := range suiteOfHelp.FindAllStringSubmatch(listed+"\n", -1) {
			a.suites = append(a.suites, m[1])
		}
	}
	return a
}

// Flags returns the flags with which two builds measure the same: this one, and an older one of
// that ability. given are the flags that a person gave, with their values; off are the values
// that switch off what a flag of this build adds, and that this build gets if the older one lacks
// the flag. It returns an error that names what the older one lacks.
func (a Ability) Flags(suites []string, given, off map[string]string) (own, older []string, err error) {
	for _, s := range suites {
		if !slices.Contains(a.suites, s) && (len(a.suites) > 0 || s != "drain") {
			return nil, nil, fmt.Errorf("it has no suite %s; it has %s", s, strings.Join(append([]string{"drain"}, a.suites...), ", "))
		}
	}
	own = append(own, "--suite="+strings.Join(suites, ","))
	if a.flags["suite"] {
		older = append(older, "--suite="+strings.Join(suites, ","))
	}
	for _, name := range sortedKeys(given) {
		if !a.flags[name] {
			return nil, nil, fmt.Errorf("it has no --%s: leave that out, or take a newer build", name)
		}
		own, older = append(own, "--"+name+"="+given[name]), append(older, "--"+name+"="+given[name])
	}
	for _, name := range sortedKeys(off) {
		if _, is := given[name]; !is && !a.flags[name] {
			own = append(own, "--"+name+"="+off[name])
		}
	}
	return own, older, nil
}

func sortedKeys(m map[string]string) []string {
	return slices.Sorted(maps.Keys(m))
}

// Against runs the same suites with two builds in turn, A B A B, and prints a table of both.
func Against(ctx context.Context, suites []string, a, b Build, out io.Writer) error {
	var found [2][]figure
	fmt.Fprintf(out, "A is %s: bench %s\nB is %s: bench %s\n", a.Path, strings.Join(a.Flags, " "), b.Path, strings.Join(b.Flags, " "))
	for turn := range turnsOfEach {
		for i, build := range []Build{a, b} {
			fmt.Fprintf(out, "\n%s, turn %d of %d:\n", build.Name, turn+1, turnsOfEach)
			var printed bytes.Buffer
			command := exec.CommandContext(ctx, build.Path, append([]string{"bench"}, build.Flags...)...)
			command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
			command.Stdout, command.Stderr = io.MultiWriter(out, &printed), os.Stderr
			if err := command.Run(); err != nil {
				return fmt.Errorf("%s, %s: %w", build.Name, build.Path, err)
			}
			found[i] = append(found[i], readFigures(printed.String(), suites)...)
		}
	}
	fmt.Fprintf(out, "\n%s; A B A B:\n\n", machine())
	return compare(found[0], found[1], out)
}

// pair is what two builds say of one thing.
type pair struct {
	suite, what string
	of          [2][]figure
}

// compare prints each figure of A beside that of B, and the quotient of the means.
func compare(a, b []figure, out io.Writer) error {
	var pairs []*pair
	for i, figures := range [][]figure{a, b} {
		for _, f := range figures {
			at := slices.IndexFunc(pairs, func(p *pair) bool { return p.suite == f.suite && p.what == f.what })
			if at < 0 {
				at = len(pairs)
				pairs = append(pairs, &pair{suite: f.suite, what: f.what})
			}
			pairs[at].of[i] = append(pairs[at].of[i], f)
		}
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "suite\twhat\tA\tB\tA / B\tA / B, each against its baseline\n")
	for _, p := range pairs {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", p.suite, p.what, each(p.of[0]), each(p.of[1]), quotient(p.of, figure.number), quotient(p.of, figure.against))
	}
	return table.Flush()
}

// each lists figures of one build.
func each(figures []figure) string {
	if len(figures) == 0 {
		return "-"
	}
	var all []string
	for _, f := range figures {
		all = append(all, f.figure)
	}
	return strings.Join(all, " | ")
}

// against is the ratio to the baseline, in the form of number.
func (f figure) against() (float64, string, bool) { return f.ratio, "x", f.ratio != 0 }

// quotient divides the mean of A by that of B, or says "-" if they do not have the same unit.
func quotient(of [2][]figure, number func(figure) (float64, string, bool)) string {
	var means [2]float64
	unit := ""
	for i, figures := range of {
		for _, f := range figures {
			n, u, ok := number(f)
			if !ok || unit != "" && u != unit {
				return "-"
			}
			unit = u
			means[i] += n / float64(len(figures))
		}
		if len(figures) == 0 {
			return "-"
		}
	}
	if means[1] == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", means[0]/means[1])
}
