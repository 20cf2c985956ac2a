package report

import (
	"cmp"
	"fmt"
	"io"

	"github.com/ringmaster-zk/ringmaster/checker"
)

// Print writes a verdict for a terminal.
func (l Lanes) Print(w io.Writer, r *checker.Report) {
	fmt.Fprintln(w)
	widest := 0
	for _, p := range r.Properties {
		widest = max(widest, len(p.Name))
	}
	for _, p := range r.Properties {
		fmt.Fprintf(w, "  %-7s  %-*s %s\n", p.Verdict, widest, p.Name, p.Reason)
	}
	c := r.Counts
	fmt.Fprintln(w)
	if sum := l.sum(c); sum != "" {
		fmt.Fprintln(w, sum)
	}
	fmt.Fprintf(w, "%d faults planned and reached, %d applied, %d effective; %d unknown outcomes: %d applied, %d not, %d open; %d resolved by the committed order, %d by the final tree\n",
		c["faults_intended"], c["faults_applied"], c["faults_effective"],
		c["resolved_applied"]+c["resolved_lost"]+c["still_unknown"], c["resolved_applied"], c["resolved_lost"], c["still_unknown"],
		c["resolved_by_order"], c["resolved_by_tree"])
	fmt.Fprintln(w, r.Evidence)
	for _, fault := range r.Idle {
		fmt.Fprintf(w, "never effective: %s\n", fault)
	}
	fmt.Fprintf(w, "\n%s\n", l.Sentence(r))
}

// Sentence is the verdict in words.
func (l Lanes) Sentence(r *checker.Report) string {
	c := r.Counts
	switch r.Verdict {
	case checker.Valid:
		over := ""
		if n, counted := c[l.Objects]; counted {
			over = fmt.Sprintf("%d %s and ", n, l.Objects)
		}
		return fmt.Sprintf("VALID: every property holds over %s%d effective faults.", over, c["faults_effective"])
	case checker.Invalid:
		p := r.Violations()[0]
		first := p.Reason
		if len(p.Findings) > 0 {
			first = cmp.Or(p.Findings[0].Says, p.Reason)
		}
		return fmt.Sprintf("INVALID: %s is violated. %s", p.Name, first)
	case checker.Unknown:
		for _, p := range r.Properties {
			if p.Verdict == checker.Unknown && p.Name == checker.RecordComplete {
				return "UNKNOWN: " + p.Reason
			}
			if p.Verdict == checker.Unknown {
				return fmt.Sprintf("UNKNOWN: nothing is violated, but %s could not be judged. %s", p.Name, p.Reason)
			}
		}
	}
	why := ""
	for _, reason := range r.Vacuous {
		why += " " + reason + ";"
	}
	return "VACUOUS: every property holds, but the run proves nothing:" + why
}
