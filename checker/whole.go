package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// RecordComplete is the property that everything that was recorded of a run is there.
// If a part is lost, the run is unknown, whatever the other judges find in the rest.
const RecordComplete = "RecordComplete"

// remedy says what to do if a record is not whole.
const remedy = "Restore the folder of the run from the machine that made it, or repeat the run."

// lossesOf are the defects in the record of a run: those found on reading it or, if
// there were none, the contradictions between its parts.
func lossesOf(run record.Run) []record.Loss {
	m := run.Manifest
	switch {
	case m == nil:
		return []record.Loss{{Problem: "has no manifest, so it is not known what was recorded"}}
	case len(run.Losses) > 0:
		return slices.Clone(run.Losses)
	case m.Excerpt != "":
		return nil // the maker of an excerpt chose what to leave out
	}
	var all []record.Loss
	lose := func(file, format string, args ...any) {
		all = append(all, record.Loss{File: file, Problem: fmt.Sprintf(format, args...)})
	}
	for _, part := range []struct {
		name  string
		there bool
	}{{record.WireFile, run.Exchanges != nil}, {record.CommittedFile, run.Commits != nil}, {record.EvidenceFile, run.Evidence != nil}} {
		switch absence, absent := m.Lacks(part.name); {
		case absent && part.there:
			lose(part.name, "exists, but the manifest says that it was not recorded: %s", absence.Because)
		case !absent && !part.there:
			lose(part.name, "is missing, and the manifest does not say why")
		}
	}
	if run.Evidence != nil {
		contradictions(run.Evidence, run.Commits != nil, func(format string, args ...any) { lose(record.EvidenceFile, format, args...) })
	}
	return all
}

// contradictions looks for evidence that no harness writes: it lacks a reason, or it
// rests on a part that was not recorded.
func contradictions(e *record.Evidence, committed bool, lose func(format string, args ...any)) {
	switch {
	case !e.Healed && e.Problem == "":
		lose("says that the ensemble did not recover, but not why")
	case e.Healed && !e.Drained && e.Problem == "":
		lose("says that something was left undone, but not why")
	case e.Healed && e.Nodes == nil:
		lose("has no final tree, but the ensemble recovered")
	}
	switch e.Order {
	case record.FromLogs, record.FromMemory:
		if !committed {
			lose("says that the order of writes comes from %q, but %s was not recorded", e.Order, record.CommittedFile)
		}
		if e.Order == record.FromLogs && e.Last == 0 {
			lose("does not say up to which zxid the logs were read")
		}
	case record.FromTree:
		if e.Weaker == "" {
			lose("does not say why the order of writes does not come from the logs")
		}
		if committed {
			lose("says that the commits are not known, but %s exists", record.CommittedFile)
		}
	default: // without a tree there is no order either
		if e.Order != "" || e.Nodes != nil {
			lose("says that the order of writes comes from %q, which is not a known source", e.Order)
		}
	}
}

// recordComplete gives the verdict on the record itself.
func recordComplete(m *record.Manifest, losses []record.Loss) Property {
	p, holds := NewFindings(RecordComplete), ""
	for _, loss := range losses {
		p.Doubt(wording.Finding{Code: wording.RecordLoss, Args: wording.Args{"loss": loss.String()}})
	}
	if len(losses) > 0 {
		found := p.Property("").told(wording.Everywhere())
		found.Reason = "The record of the run is not whole: " + found.Reason + " " + remedy
		return found
	}
	if m.Excerpt != "" {
		p.Doubt(wording.Finding{Code: wording.OnlyAnExcerpt, Args: wording.Args{"excerpt": m.Excerpt}})
	}
	var absent []string
	for _, a := range m.Absent {
		if a.Failed {
			p.Doubt(wording.Finding{Code: wording.NotRecorded, Args: wording.Args{"file": a.Name, "why": a.Because}})
		}
		absent = append(absent, fmt.Sprintf("%s (%s)", a.Name, a.Because))
	}
	switch {
	case m.Inferred:
		holds = "The run is older than manifests. Its files agree with each other, and none shows that something is missing."
	case len(m.Files) > 0:
		holds = fmt.Sprintf("%d files are as the run wrote them.", len(m.Files))
	default:
		holds = "The run was not read from a folder."
	}
	if len(absent) > 0 {
		holds += " Not recorded: " + strings.Join(absent, "; ") + "."
	}
	return p.Property("%s", holds).told(wording.Everywhere())
}

// CheckRecord judges only the record of a run, as [Check] does first: whether
// everything that was recorded is there. If the result is not [Valid], the run cannot
// show that nothing is wrong; a record with losses shows nothing at all.
func CheckRecord(run record.Run) (entry Property, whole bool) {
	losses := lossesOf(run)
	if len(losses) == 0 && run.Manifest.Inferred {
		c, _, garbled := understood(run, Judging{Judge: func(*Case) Judgement { return Judgement{} }})
		if losses = garbled; len(losses) == 0 {
			losses = c.unvouched([]Property{guarded(WritesAccounted, c.writesAccounted).told(wording.Everywhere())})
		}
	}
	return recordComplete(run.Manifest, losses), len(losses) == 0
}

// distrust removes the findings from properties if the record is not whole: a lost part
// may be the one that clears a participant, or accuses it.
func distrust(properties []Property) {
	for i := range properties {
		p := &properties[i]
		if p.Name != RecordComplete {
			p.Verdict, p.Reason = Unknown, "The record of the run is not whole, so this proves nothing. The rest of the record shows: "+p.Reason
		}
	}
}

// unvouched are the contradictions between the records of a run without a manifest. It
// is not known whether ZooKeeper or a participant is at fault, or the record was cut.
func (c *Case) unvouched(properties []Property) []record.Loss {
	run := &c.Index.Run
	if !run.Manifest.Inferred {
		return nil
	}
	var all []record.Loss
	for _, p := range properties {
		if p.Name == WritesAccounted && p.Verdict == Invalid {
			all = append(all, record.Loss{Problem: "contradicts itself, and no manifest proves that its files are whole: " + p.Reason})
		}
	}
	if c.ledger != nil || run.Exchanges == nil {
		return all
	}
	for i, w := range c.Writes {
		if w.Outcome() == record.OK && c.Index.Exchange[i] < 0 {
			all = append(all, record.Loss{File: record.WireFile, Problem: fmt.Sprintf("was cut: it lacks a write of %s that was acknowledged at %s", w.Invoke.Process, wording.Seconds(w.Done.At))})
		}
	}
	for i := range run.Exchanges {
		if x := &run.Exchanges[i]; !c.Index.Begun[i] && !x.Close {
			all = append(all, record.Loss{File: record.HistoryFile, Problem: fmt.Sprintf("was cut: it lacks a write of %s that was sent at %s", x.Process, wording.Seconds(x.Sent))})
		}
	}
	return all
}
