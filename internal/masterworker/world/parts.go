package world

import (
	"context"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// leastRequest is the least that a server may take in one request. There is room for one
// decision in each write of a master then, and for one child of a task in each part.
const leastRequest = 4 << 10

// little is a host whose sessions say that the servers take as little in one request as
// they may.
func (c Config) little(host explore.Host) explore.Host {
	if !c.Parts && !c.Apart {
		return host
	}
	return littleAtOnce{worlds.Inside{Host: host}}
}

type littleAtOnce struct{ worlds.Inside }

// Open implements zkapi.Env.
func (l littleAtOnce) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := l.Host.Open(ctx)
	if err != nil {
		return nil, err
	}
	return littleSession{session}, nil
}

type littleSession struct{ zkapi.Session }

// MaxRequest implements zkapi.Session.
func (littleSession) MaxRequest() int { return leastRequest }
