package main

import (
	"context"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// path is the znode of the counter, below the namespace of the run.
const path = "/counter"

// raise is the kind of the events in which a participant raises the counter.
const raise record.Kind = "raise"

// raised is the data of such an event: the value that the participant was told.
type raised struct {
	Value int `json:"value"`
}

// settings are what all participants of a run get to know.
type settings struct {
	Rate float64 `json:"rate"` // of one participant, per second
}

// workload has participants that raise the counter, at the rate of the run.
func workload(careless bool) subject.Workload {
	return subject.Workload{
		Roles:   []subject.Role{{Name: "client", Explain: "processes that raise the counter", Count: 3, Least: 1, Most: 20, Submits: true}},
		Options: func(r subject.Run) any { return settings{r.Rate / float64(r.Counts["client"])} },
		Play: func(ctx context.Context, p subject.Participant) error {
			return play(ctx, p, Counter{Path: p.Namespace + path, Careless: careless})
		},
	}
}

// play raises the counter until the participant must submit no more.
func play(ctx context.Context, p subject.Participant, counter Counter) error {
	var s settings
	if err := p.ReadOptions(&s); err != nil {
		return err
	}
	ticker := time.NewTicker(time.Duration(float64(time.Second) / s.Rate))
	defer ticker.Stop()
	var session zkapi.Session
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-p.Draining:
			return leave(ctx, p, session)
		case <-ticker.C:
		}
		if session == nil || session.Cause() != nil {
			opened, err := p.Env.Open(ctx)
			if err != nil {
				continue // no server answers; the next tick tries again
			}
			session = opened
		}
		raiseOnce(ctx, p, counter, session)
	}
}

// patience is how long a participant waits for one increment.
const patience = 2 * time.Second

// raiseOnce raises the counter once, and records what the participant was told.
func raiseOnce(ctx context.Context, p subject.Participant, counter Counter, session zkapi.Session) {
	own, err := record.NewOwn(path, nil)
	if err != nil {
		panic(err) // there is no data yet
	}
	began := p.Journal.Add(record.Event{Type: record.Invoke, Kind: raise, Of: own})
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	value, err := counter.Raise(limited, session)
	done, problem := record.NewOwn(path, raised{value})
	if problem != nil {
		panic(problem) // a number can be written
	}
	outcome := record.OK
	switch {
	case err == nil:
	case zkapi.FateOf(err) == zkapi.NotApplied:
		outcome, done.Remark = record.Fail, err.Error()
	default:
		outcome, done.Remark = record.Info, err.Error()
	}
	p.Journal.Complete(began, outcome, done)
}

// leave closes the session in good order.
func leave(ctx context.Context, p subject.Participant, session zkapi.Session) error {
	if session == nil {
		return nil
	}
	if err := p.Depart(ctx, session.Close); err != nil {
		p.Log.Info("the session may live on until its timeout", "error", err) // it is on record how the participant left
	}
	return nil
}
