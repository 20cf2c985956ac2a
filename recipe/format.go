package recipe

import (
	"fmt"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// formats lists the formats of the znodes of a namespace, each with what it has
// that the one before has not. A build knows all formats up to the last one here.
// A process says in its claim record which it knows, so that others can tell
// what they may rely on.
var formats = []struct{ number int }{
	{1}, // the znodes that package documentation lists
}

// newestFormat is the newest format that this build knows.
func newestFormat() int { return formats[len(formats)-1].number }

// newClaimRecord is what a process of this build says of itself when it makes or
// renews a claim.
func newClaimRecord(env zkapi.Env, session zkapi.Session, holder string) claimRecord {
	record := claimRecord{Holder: holder, Session: fmt.Sprintf("0x%x", session.ID()), Nonce: env.Unique()}
	if newest := newestFormat(); newest > 1 {
		record.Format = newest
	}
	return record
}

// knows is the newest format that the holder of a claim knows. A record without a
// format is by a build that was made before there were formats, or by hand.
func (c claimRecord) knows() int { return max(c.Format, 1) }
