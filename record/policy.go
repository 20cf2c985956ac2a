package record

import "time"

// PolicyVersion is the version of the policy that this program knows; a reader refuses any
// later one.
const PolicyVersion = 2

// Policy is the set of limits that the participants of a run were given. Judges hold
// the run against it.
type Policy struct {
	Version      int           `json:"version"`
	MaxAttempts  int32         `json:"max_attempts"`  // of a task that does not ask for another number
	MaxHandovers int           `json:"max_handovers"` // attempts of one task that do not count, because a worker left
	Concurrency  int           `json:"concurrency"`   // ordinary handlers that a worker runs at a time
	Retention    time.Duration `json:"retention"`     // for which masters keep a finished task, in ns
}

// FirstPolicy is the policy of every run whose config.json has none. Retention was 6 s
// or longer.
func FirstPolicy() Policy {
	return Policy{Version: 1, MaxAttempts: 5, MaxHandovers: 25, Concurrency: 16, Retention: 6 * time.Second}
}

// Rules is the policy by which a run is judged.
func (r Run) Rules() Policy {
	if r.Policy.Version == 0 {
		return FirstPolicy()
	}
	return r.Policy
}
