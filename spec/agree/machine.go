package agree

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// machine is one world of a recipe, as both sides have it: the explorer runs its programs, and
// TLC checks its module with these constants.
type machine interface {
	World() (*explore.World, error)
	config() any                    // of the world, for the manifest
	module() string                 // without .tla
	constants() []constant          // of the module
	properties(kind Kind) string    // the end of the configuration: what is checked
	unguarded(guard string) machine // the same without one guard
	lens() lens
}

// constant is one constant of a module.
type constant struct{ name, value string }

func number(name string, n int) constant { return constant{name, strconv.Itoa(n)} }

func truth(name string, b bool) constant {
	return constant{name, strings.ToUpper(strconv.FormatBool(b))}
}

// library is how the client library treats the end of a session.
func library(l explore.Library) constant {
	name := "honest"
	if l == explore.Replacing {
		name = "replacing"
	}
	return constant{"Library", strconv.Quote(name)}
}

// without is the guard that is taken out.
func without(guard string) constant {
	if guard == "" {
		guard = "nothing"
	}
	return constant{"Without", strconv.Quote(guard)}
}

// judged is the end of a configuration that judges every state and every step.
func judged(invariants, steps string) string {
	return fmt.Sprintf("SPECIFICATION Spec\nCHECK_DEADLOCK FALSE\nINVARIANTS %s\nPROPERTIES %s\n", invariants, steps)
}

// world is the world of a check as the manifest has it.
func (c Check) world() json.RawMessage {
	if c.Machine == nil {
		return nil
	}
	text, err := json.Marshal(c.Machine.config())
	if err != nil {
		panic(err) // a Config has only plain fields
	}
	return text
}

// Text is the content of the configuration.
func (c Check) Text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "\\* %s\nCONSTANTS\n", c.Says)
	for _, one := range append(c.Machine.constants(), constant{"None", "None"}) {
		fmt.Fprintf(&text, "    %s = %s\n", one.name, one.value)
	}
	return text.String() + c.Machine.properties(c.Kind)
}
