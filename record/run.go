package record

// Run is everything that a run has left to be judged.
type Run struct {
	Events    []Event
	Evidence  *Evidence
	Exchanges []Exchange // nil where the wire was not recorded
	Commits   []Commit   // nil where the servers' logs were not read

	// Policy is what the participants were told to keep to; see [Run.Rules].
	Policy Policy

	// Manifest says what was recorded, and why the rest was not. Without one nothing says
	// that the run is whole, and no judge finds it valid or invalid.
	Manifest *Manifest
	Losses   []Loss // what is not there as it was recorded
}

// MadeByHand vouches for a run that was never in a folder, as a test makes it: what it
// lacks was not recorded, and nothing else is missing.
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
