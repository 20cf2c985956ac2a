package record

import "slices"

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

// Wires finds the exchange of a write, where the wire was recorded.
type Wires struct {
	exchanges []Exchange
	byShape   map[string][]int
}

// IndexWires prepares for finding exchanges.
func IndexWires(exchanges []Exchange) *Wires {
	w := &Wires{exchanges: exchanges, byShape: map[string][]int{}}
	for i, x := range exchanges {
		key := shape(x.Process, x.Session, x.Ops)
		w.byShape[key] = append(w.byShape[key], i)
	}
	return w
}

// Of is the place, among the exchanges, of the one that carried a write; -1 when
// there is none: the write was lost on its way, or the wire was not recorded.
func (w *Wires) Of(write Operation) int {
	for _, i := range w.byShape[shape(write.Invoke.Process, write.Invoke.Session(), write.Invoke.Ops())] {
		sent := w.exchanges[i].Sent
		if write.Invoke.At <= sent && (write.Done.Type == "" || sent <= write.Done.At) {
			return i
		}
	}
	return -1
}

// shape is what a write and its exchange have in common. The server completes the
// name of a sequential znode, so only its parent counts.
func shape(process, session string, ops []Op) string {
	key := process + " " + session
	for _, op := range ops {
		path := op.Path
		if op.Sequential {
			path = parent(path)
		}
		key += "\n" + op.Kind + " " + path + " " + op.Data
	}
	return key
}

func parent(path string) string {
	for i, c := range slices.Backward([]byte(path)) {
		if c == '/' {
			return path[:i]
		}
	}
	return path
}
