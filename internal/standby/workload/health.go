package workload

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// mood is the health of a candidate: long times in which it is healthy, and short ones in which it is
// not. They are drawn from the seed and the life.
type mood struct {
	mu   sync.Mutex
	rng  *rand.Rand
	bad  bool
	next time.Duration // when it changes, since the run began
	said *bool         // what the record has last
}

// moodStream separates the draws of health from others of the same life.
const moodStream = 0x6ea1

func newMood(p participant) *mood {
	m := &mood{rng: rand.New(rand.NewPCG(p.Seed^moodStream, uint64(p.Life)))}
	m.next = p.Now() + m.lasts()
	return m
}

// lasts draws how long the present mood lasts.
func (m *mood) lasts() time.Duration {
	if m.bad {
		return 500*time.Millisecond + time.Duration(m.rng.Int64N(int64(2*time.Second)))
	}
	return 2*time.Second + time.Duration(m.rng.Int64N(int64(18*time.Second)))
}

// at is the mood at a moment, and whether a question is to be left without an answer for long. told
// reports whether the answer differs from the last one.
func (m *mood) at(now time.Duration) (bad, hangs, told bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for now >= m.next {
		m.bad = !m.bad
		m.next += m.lasts()
	}
	told = m.said == nil || *m.said != m.bad
	bad = m.bad
	m.said = &bad
	return bad, bad && m.rng.IntN(8) == 0, told
}

// health is the hook of the recipe.
func (s *server) health(ctx context.Context) error {
	bad, hangs, told := s.mood.at(s.Now())
	if told {
		s.Journal.Add(record.Event{Type: record.Note, Kind: history.Health, Of: aside(history.Report{Good: !bad})})
	}
	switch {
	case hangs:
		<-ctx.Done()
		return context.Cause(ctx)
	case bad:
		return errors.New("the server is not well")
	}
	return nil
}
