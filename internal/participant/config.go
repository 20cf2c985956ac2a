package participant

import (
	"encoding/json"
	"fmt"
	"time"
)

// Role is the role of a participant.
type Role string

// The roles.
const (
	Master Role = "master"
	Worker Role = "worker"
	Client Role = "client"
	Node   Role = "node" // one of many equal nodes: it is a candidate, and it works
)

// Config is the configuration of a participant.
type Config struct {
	Name           string        `json:"name"` // worker-2
	Role           Role          `json:"role"`
	Life           int           `json:"life"`    // how many times it has been started
	Servers        []string      `json:"servers"` // through its proxy
	Namespace      string        `json:"namespace"`
	SessionTimeout time.Duration `json:"session_timeout"`
	Journal        string        `json:"journal"`         // path of a new file
	Log            string        `json:"log"`             // path, appended to
	Origin         time.Duration `json:"origin"`          // when the run began, by the shared clock
	Sink           string        `json:"sink"`            // address of the effect sink
	Seed           uint64        `json:"seed"`            // of this process' part of the workload
	Rate           float64       `json:"rate"`            // of a client: tasks per second
	Retention      time.Duration `json:"retention"`       // of a master
	Skew           time.Duration `json:"skew"`            // by which its wall clock is ahead
	Sleep          string        `json:"sleep,omitempty"` // path of the file that WriteSleep has written; "": its machine never sleeps

	// The fields below are empty with the kind profile of the servers.

	Holders    []string `json:"holders,omitempty"`     // for a master: workers that get resident tasks only
	Residents  int      `json:"residents,omitempty"`   // of a client: its resident tasks; 0 is one
	Secret     string   `json:"secret,omitempty"`      // user:password for digest authentication
	Secured    string   `json:"secured,omitempty"`     // if only that user may open the znodes: the hash in its identity
	MaxRequest int      `json:"max_request,omitempty"` // the largest request that the servers take, in bytes
	Large      bool     `json:"large,omitempty"`       // some results and payloads are about as large as that
	Resolver   string   `json:"resolver,omitempty"`    // host:port of a name server, instead of the system's
}

// Encode packs a Config for the command line.
func (c Config) Encode() string {
	data, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("participant: config: %v", err)) // plain fields only
	}
	return string(data)
}

// Decode reads the output of Encode.
func Decode(text string) (Config, error) {
	var c Config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return Config{}, fmt.Errorf("participant: config: %w", err)
	}
	return c, nil
}

// The policy of masters and workers in a run. config.json has it for the judges.
const (
	MaxAttempts  = 5
	MaxHandovers = 5 * MaxAttempts // the recipe's default
	Concurrency  = 16
	MaxBacklog   = 500 // reached when no worker works for a while
)

// Drain is the line on standard input that tells a client to submit no more and to
// leave when it has heard of all its tasks. The end of input tells every participant to
// leave at once.
const Drain = "drain"
