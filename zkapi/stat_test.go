package zkapi_test

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

func TestStat_OnlyASessionsEphemeralIsAlive(t *testing.T) {
	for owner, want := range map[int64]zkapi.Owner{
		0:                                  zkapi.OwnerNone,
		1:                                  zkapi.OwnerSession,
		0x1000_1a2b_3c4d_0000:              zkapi.OwnerSession, // of the server with id 16
		-0x0200_0000_0000_0000 + 0x12345:   zkapi.OwnerSession, // of the server with id 254
		-1 << 63:                           zkapi.OwnerContainer,
		-1<<63 + 1:                         zkapi.OwnerSession, // of the server with id 128
		-0x0100_0000_0000_0000 + 1:         zkapi.OwnerTTL,     // of one millisecond
		-0x0100_0000_0000_0000 + 1<<40 - 1: zkapi.OwnerTTL,     // of the longest time
		-0x0100_0000_0000_0000 + 1<<40:     zkapi.OwnerSession, // of a server with id 255, where TTL znodes are off
	} {
		s := zkapi.Stat{EphemeralOwner: owner}
		if got := s.Owner(); got != want {
			t.Errorf("owner 0x%x is %v, want %v", uint64(owner), got, want)
		}
		if s.Alive() != (want == zkapi.OwnerSession) {
			t.Errorf("owner 0x%x: alive is %v", uint64(owner), s.Alive())
		}
	}
}
