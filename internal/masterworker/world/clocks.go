package world

import (
	"hash/fnv"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// clocked is a host whose wall clock is wrong by hours, each process' by another
// number of them, if the world says so.
func (c Config) clocked(process string, host explore.Host) explore.Host {
	if !c.WrongClocks {
		return host
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(process)) // never fails
	return skewed{worlds.Inside{Host: host}, time.Duration(int(hash.Sum32()%49)-24) * time.Hour}
}

type skewed struct {
	worlds.Inside
	by time.Duration
}

// Now implements zkapi.Env.
func (s skewed) Now() time.Time { return s.Host.Now().Add(s.by) }
