package history

import (
	"encoding/json"
	"fmt"
	"os"
)

// Evidence is what was found after a run, when everything had been healed and
// drained. It resolves what the participants could not know.
type Evidence struct {
	// Healed is false when the ensemble did not come back, and Problem says
	// why: then nothing can be said about liveness.
	Healed bool `json:"healed"`
	// Drained is false when tasks were left without a status at the deadline.
	Drained bool   `json:"drained"`
	Problem string `json:"problem,omitempty"`
	// Nodes is the final tree, by path; nil when it could not be read.
	Nodes []Node `json:"nodes"`
}

// Node is one znode.
type Node struct {
	Path    string `json:"path"`
	Data    string `json:"data,omitempty"`
	Czxid   int64  `json:"czxid"`
	Mzxid   int64  `json:"mzxid"`
	Version int32  `json:"version"`
	Owner   string `json:"owner,omitempty"` // session of an ephemeral
}

// ReadEvidence reads stored evidence.
func ReadEvidence(path string) (*Evidence, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	var e Evidence
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("history: %s: %w", path, err)
	}
	return &e, nil
}

// Save stores the evidence.
func (e *Evidence) Save(path string) error {
	data, err := json.MarshalIndent(e, "", " ")
	if err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}
