package nemesis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/ringmaster-zk/ringmaster/record"
)

// The faults of sessions, by name.
const (
	ExpireMaster   Kind = "expire-master"
	ExpireBackup   Kind = "expire-backup"
	ExpireWorker   Kind = "expire-worker"
	ExpireClient   Kind = "expire-client"
	ExpireElected  Kind = "expire-elected"
	ExpireUnheard  Kind = "expire-unheard"
	ExpireAssigned Kind = "expire-assigned"
	ExpireMany     Kind = "expire-many"
)

var sessionFaults = []Entry{
	{
		Kind: ExpireMaster, Group: "session", Also: []string{"expire"}, Roles: []Role{ActiveMaster},
		Explain: "a second connection with its id and password ends the active master's session",
		Probe:   "a server confirms the end, and then no server knows the session",
		Did:     "had a session of %s ended",
		Does:    []record.Impact{record.EndsSessions},
		Inject:  onOne((*Injector).expire),
	},
	{
		Kind: ExpireBackup, Group: "session", Also: []string{"expire"}, Roles: []Role{Backup},
		Explain: "a second connection ends a backup's session",
		Probe:   "a server confirms the end, and then no server knows the session",
		Did:     "had a session of %s ended",
		Does:    []record.Impact{record.EndsSessions},
		Inject:  onOne((*Injector).expire),
	},
	{
		Kind: ExpireWorker, Group: "session", Also: []string{"expire"}, Roles: busyWorkers,
		Explain: "a second connection ends a worker's session",
		Probe:   "a server confirms the end, and then no server knows the session",
		Did:     "had a session of %s ended",
		Does:    []record.Impact{record.EndsSessions},
		Inject:  onOne((*Injector).expire),
	},
	{
		Kind: ExpireClient, Group: "session", Also: []string{"expire", "client"}, Roles: []Role{SomeClient},
		Explain: "a second connection ends a client's session",
		Probe:   "a server confirms the end, and then no server knows the session",
		Did:     "had a session of %s ended",
		Does:    []record.Impact{record.EndsSessions},
		Inject:  onOne((*Injector).expire),
	},
	{
		Kind: ExpireElected, Group: "session", Also: []string{"expire"}, Roles: []Role{NextMaster}, Needs: Connections, Asks: Elections,
		Explain: "the active master's session is ended; the session of the next master is ended between its election and its first read, which waits in the proxy until then",
		Probe:   "the session that won the election is gone, a request of it waited, and no request passed in between",
		Did:     "had a session of %s ended",
		Does:    []record.Impact{record.EndsSessions},
		Inject:  (*Injector).endElected,
	},
	{
		Kind: ExpireUnheard, Group: "session", Also: []string{"expire"}, Roles: []Role{NextMaster}, Least: 0.1, Most: 0.5, Needs: Connections, Asks: Elections,
		Explain: "the active master's session is ended; the answer to the election of the next master is lost with its connection: it is elected and does not know",
		Probe:   "ZooKeeper applied the election, and the answer did not arrive",
		Did:     "had a session of %s ended",
		Does:    []record.Impact{record.EndsSessions},
		Inject:  (*Injector).loseElection,
	},
	{
		Kind: ExpireAssigned, Group: "session", Also: []string{"expire"}, Roles: []Role{BusiestWorker}, Needs: Connections, Asks: Assignments,
		Explain: "a worker's session is ended after it got an assignment and before it could read it",
		Probe:   "the end comes after the assignment in ZooKeeper's order, and no bytes reached the worker in between",
		Did:     "had a session of %s ended",
		Does:    []record.Impact{record.EndsSessions},
		Inject:  onOne((*Injector).endAssigned),
	},
	{
		Kind: ExpireMany, Group: "session", Also: []string{"expire"}, Roles: []Role{Several}, Needs: Connections,
		Explain: "the sessions of half of all participants are ended at the same time",
		Probe:   "at least two sessions were ended, and no server knows them any more",
		Did:     "had a session of %s ended",
		Does:    []record.Impact{record.EndsSessions},
		Inject:  (*Injector).endMany,
	},
}

// expire ends the session in which a participant has its role; an equal node has a
// session for each role.
func (j *Injector) expire(p Process, fault Fault) Injection {
	var session int64
	return Injection{
		Sessions: func() string { return record.Hex(session) },
		Apply: func(ctx context.Context) error {
			var err error
			if session, err = j.sessionAs(ctx, p, fault.Role); err != nil {
				return err
			}
			_, err = p.EndSession(ctx, session)
			return err
		},
		Probe: func(ctx context.Context) Finding {
			gone, err := p.SessionGone(ctx, session)
			if err != nil {
				return Found(false, "%v", err)
			}
			return Found(gone, "session %s %s", record.Hex(session), whether(gone, "is over", "is not over")).With("session gone", gone)
		},
		Heal: nothing,
	}
}

// sessionAs is the session in which a participant has a role: the session that holds
// the znode of the role or, for a role without a znode, the latest session of the
// participant.
func (j *Injector) sessionAs(ctx context.Context, p Process, role Role) (int64, error) {
	registration := j.Settings().Recipe.Registration
	switch {
	case role == ActiveMaster:
		_, session, err := j.Observer().ActiveMaster(ctx)
		if err == nil && !p.Owns(session) {
			err = fmt.Errorf("%s does not lead any more", p.Name())
		}
		return session, err
	case role == Backup || role == SomeClient || registration == nil:
		session, ok := p.Session()
		if !ok {
			return 0, fmt.Errorf("%s has no session", p.Name())
		}
		return session, nil
	}
	path := registration(p.Name())
	session, err := j.Observer().Holder(ctx, path)
	if err == nil && !p.Owns(session) {
		err = fmt.Errorf("%s is not held by %s", path, p.Name())
	}
	return session, err
}

// endMany ends the latest sessions of half of all participants at once. A server may
// end a session without an answer; see [Process].
func (j *Injector) endMany(_ context.Context, fault Fault) (Injection, error) {
	victims, sessions := j.halfOfAll(fault.Pick)
	if len(victims) < 2 {
		release(j, victims...)
		return Injection{}, errors.New("fewer than two participants have a session and are free of faults")
	}
	zxids, errs := make([]int64, len(sessions)), make([]error, len(sessions))
	ended := func() (all []int64) {
		for i, s := range sessions {
			if errs[i] == nil {
				all = append(all, s)
			}
		}
		return all
	}
	return Injection{
		Target:   names(victims),
		Sessions: func() string { return sessionNames(ended()) },
		Apply: func(ctx context.Context) error {
			var work sync.WaitGroup
			for i, p := range victims {
				work.Go(func() { zxids[i], errs[i] = p.EndSession(ctx, sessions[i]) })
			}
			work.Wait()
			if len(ended()) == 0 {
				return errors.Join(errs...)
			}
			return nil
		},
		Probe: func(ctx context.Context) Finding {
			confirmed, gone := 0, 0
			for i, p := range victims {
				if zxids[i] != 0 {
					confirmed++
				}
				if over, err := p.SessionGone(ctx, sessions[i]); err == nil && over {
					gone++
				}
			}
			byUs := len(ended())
			return Found(byUs >= 2 && gone == len(sessions), "of %d sessions, %d were ended (%d confirmed), and %d are gone", len(sessions), byUs, confirmed, gone).
				With("sessions", len(sessions)).With("ended", byUs).With("ends confirmed", confirmed).With("sessions gone", gone)
		},
		Heal: nothing,
		Done: func() { release(j, victims...) },
	}, nil
}

// halfOfAll takes half of the participants that have a session.
func (j *Injector) halfOfAll(pick int) (victims []Process, sessions []int64) {
	all := j.Processes()
	for _, p := range rotated(all, pick) {
		session, ok := p.Session()
		if len(victims) < len(all)/2 && ok && p.Alive() && p.Has(session) && take(j, p) {
			victims, sessions = append(victims, p), append(sessions, session)
		}
	}
	return victims, sessions
}

// names lists processes as a target.
func names(all []Process) string {
	var list []string
	for _, p := range all {
		list = append(list, p.Name())
	}
	return strings.Join(list, ",")
}

func sessionNames(all []int64) string {
	var list []string
	for _, s := range all {
		list = append(list, record.Hex(s))
	}
	return strings.Join(list, ",")
}
