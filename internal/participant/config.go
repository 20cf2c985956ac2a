package participant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Config is the configuration of a participant.
type Config struct {
	Recipe         string        `json:"recipe,omitempty"` // the name of the subject
	Name           string        `json:"name"`             // worker-2
	Role           string        `json:"role"`
	Life           int           `json:"life"`    // how many times it has been started
	Servers        []string      `json:"servers"` // through its proxy
	Namespace      string        `json:"namespace"`
	SessionTimeout time.Duration `json:"session_timeout"`
	Journal        string        `json:"journal"`         // path of a new file
	Log            string        `json:"log"`             // path, appended to
	Origin         time.Duration `json:"origin"`          // when the run began, by the shared clock
	Sink           string        `json:"sink"`            // address of the effect sink
	Seed           uint64        `json:"seed"`            // of this process' part of the workload
	Skew           time.Duration `json:"skew"`            // by which its wall clock is ahead
	Sleep          string        `json:"sleep,omitempty"` // path of the file that WriteSleep has written; "": its machine never sleeps

	// The fields below are empty with the kind profile of the servers.

	Secret     string `json:"secret,omitempty"`      // user:password for digest authentication
	Secured    string `json:"secured,omitempty"`     // if only that user may open the znodes: the hash in its identity
	MaxRequest int    `json:"max_request,omitempty"` // the largest request that the servers take, in bytes
	Resolver   string `json:"resolver,omitempty"`    // host:port of a name server, instead of the system's

	// Options are those of the subject: a JSON object. Its keys stand beside those above,
	// so that a build that divides them otherwise understands them, too.
	Options json.RawMessage `json:"-"`
}

// Encode packs a Config for the command line.
func (c Config) Encode() string {
	data, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("participant: config: %v", err)) // plain fields only
	}
	options := bytes.TrimSpace(c.Options)
	if len(options) <= len("{}") {
		return string(data)
	}
	return string(data[:len(data)-1]) + "," + string(options[1:])
}

// Decode reads the output of Encode.
func Decode(text string) (Config, error) {
	var c Config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return Config{}, fmt.Errorf("participant: config: %w", err)
	}
	c.Options = json.RawMessage(text)
	return c, nil
}

// Drain is the line on standard input that tells a participant that submits to submit
// no more and to leave when it has heard of all that it has submitted. The end of input
// tells every participant to leave at once.
const Drain = "drain"

// With gives the Config the options of the subject. It refuses those that are no JSON
// object, and a key that the Config has itself.
func (c Config) With(options any) (Config, error) {
	data, err := json.Marshal(options)
	var theirs map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(data, &theirs)
	}
	if err != nil {
		return c, fmt.Errorf("participant: the options of the recipe: %w", err)
	}
	of := reflect.TypeOf(c)
	for i := range of.NumField() {
		own, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		if _, taken := theirs[own]; taken {
			return c, fmt.Errorf("participant: the options of the recipe have the key %q, which the harness uses: choose another key", own)
		}
	}
	c.Options = data
	return c, nil
}
