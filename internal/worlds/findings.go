package worlds

import (
	"fmt"

	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// Findings collects the violations that a judge finds in one write or one state.
type Findings []explore.Violation

// Violate notes that a property does not hold, and why.
func (f *Findings) Violate(property, format string, args ...any) {
	*f = append(*f, explore.Violation{Property: property, Reason: fmt.Sprintf(format, args...)})
}
