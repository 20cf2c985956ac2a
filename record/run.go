package record

// Run is everything that a run has left for the judges.
type Run struct {
	Events    []Event
	Evidence  *Evidence
	Exchanges []Exchange // nil if the wire was not recorded
	Commits   []Commit   // nil if the servers' logs were not read

	// Policy has the limits that the participants were given; see [Run.Rules].
	Policy Policy

	// Manifest says which parts were recorded, and why the others were not. Without a
	// manifest the run may not be whole, so judges find it neither valid nor invalid.
	Manifest *Manifest
	Losses   []Loss // parts that are missing or not as they were recorded
}

// MadeByHand vouches for a run that was never in a folder, such as a test's: a part
// that it lacks was not recorded, and nothing else is missing.
func (r Run) MadeByHand() Run {
	const because = "the run was made by hand, without it"
	r.Manifest = &Manifest{}
	for _, part := range []struct {
		name  string
		lacks bool
	}{{WireFile, r.Exchanges == nil}, {CommittedFile, r.Commits == nil}, {EvidenceFile, r.Evidence == nil}} {
		if part.lacks {
			r.Manifest.Absent = append(r.Manifest.Absent, Absence{Name: part.name, Because: because})
		}
	}
	return r
}
