package serve

import (
	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve/disk"
)

// Open makes an ensemble that keeps its znodes and sessions in a directory, which is made if
// there is none. It goes on where the last ensemble of that directory has ended, however it has
// ended: every write that was answered is there. Sessions get their whole timeout anew. Without
// a directory ("") it is New.
//
// It fails if another process uses the directory, and if the files in it are damaged; the error
// names the file and the remedy. When the directory cannot be written any more, the servers stop
// without an answer to what is not kept: see Failed.
func Open(dir string, options Options) (*Ensemble, error) {
	if dir == "" {
		return New(options), nil
	}
	options.defaults()
	log, found, err := disk.Open(dir, options.Log)
	if err != nil {
		return nil, err
	}
	s := newState()
	if found.Snapshot != nil {
		if s, err = recoverState(found); err != nil {
			_ = log.Close() // the first error says more
			return nil, err
		}
		options.Log.Info("the state is read", "directory", dir, "znodes", s.tree.Count(), "sessions", len(s.sessions), "zxid", hex(s.tree.Zxid()))
	} else {
		log.Replace(s.encode)
	}
	e := build(options, s, log)
	if err := log.Sync(); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// recoverState repeats what a directory has.
func recoverState(found disk.State) (state, error) {
	s, err := decodeState(found.Snapshot)
	if err != nil {
		return s, disk.Damaged(found.File, 0, err.Error())
	}
	for _, r := range found.Records {
		en, err := decodeEntry(r.Body)
		if err == nil {
			err = s.repeat(en)
		}
		if err != nil {
			return s, disk.Damaged(found.File, r.Offset, err.Error())
		}
	}
	return s, nil
}

// resume takes up the sessions of a state. Their timeouts begin when elect has found a leader.
// The ensemble is locked.
func (e *Ensemble) resume(sessions map[int64]grant) {
	for id, g := range sessions {
		e.sessions[id] = newSession(e, id, g.password, g.timeout)
	}
}

// keep gives an entry to the disk, if there is one. Whoever answers waits for it with durable.
// The ensemble is locked, and its tree is that after the entry.
func (e *Ensemble) keep(en entry) {
	if e.disk == nil {
		return
	}
	en.time, en.zxid = e.tree.Time().UnixMilli(), e.tree.Zxid()
	var to jute.Encoder
	en.encode(&to)
	e.disk.Append(to.Bytes)
	if e.disk.Long() {
		e.disk.Replace(e.state().encode)
	}
}

// state is a copy of what a directory keeps. The ensemble is locked.
func (e *Ensemble) state() state {
	s := state{tree: e.tree, granted: e.granted, epoch: e.epoch, sessions: map[int64]grant{}}
	for id, one := range e.sessions {
		s.sessions[id] = grant{one.password, one.timeout()}
	}
	return s
}

// durable waits until all that the ensemble has done before is on the disk, and reports whether
// it is. If it cannot be, all servers stop.
func (e *Ensemble) durable() bool {
	if e.disk == nil {
		return true
	}
	err := e.disk.Sync()
	if err != nil {
		e.fails.Do(func() {
			e.options.Log.Error("the state cannot be kept, so all servers stop", "error", err)
			go e.Close() // it waits for the connection that has found out
		})
	}
	return err == nil
}

// Failed is closed when the directory of Open cannot be written any more; Err says why. Nothing
// that is not kept was answered. It is nil without a directory.
func (e *Ensemble) Failed() <-chan struct{} {
	if e.disk == nil {
		return nil
	}
	return e.disk.Failed()
}

// Err is why the directory cannot be written any more, or nil.
func (e *Ensemble) Err() error {
	if e.disk == nil {
		return nil
	}
	return e.disk.Err()
}
