package recipe

import "slices"

// assignmentKey distinguishes executions. The name of the task is not enough: the handler of an
// assignment that was taken away may still run when the next one of the same task begins.
type assignmentKey struct {
	task  string
	czxid int64 // of the assignment
}

func (e *execution) key() assignmentKey { return assignmentKey{e.task.Name, e.stat.Czxid} }

// hold adds an execution, in place of one of the same task that could not begin.
func (i *incarnation) hold(e *execution) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.forgetLocked(i.held[e.task.Name])
	i.held[e.task.Name] = e
	i.queueLocked(e)
	if e.beats() {
		i.telling[e.task.Name] = e
	}
}

// forget removes an execution that is held no longer.
func (i *incarnation) forget(e *execution) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.forgetLocked(e)
}

// forgetLocked is forget for a caller that holds the mutex.
func (i *incarnation) forgetLocked(e *execution) {
	if e == nil || i.held[e.task.Name] != e {
		return // a later one of the same task is held
	}
	for _, of := range []map[string]*execution{i.held, i.startable, i.telling} {
		delete(of, e.task.Name)
	}
}

// queueLocked notes whether a held execution can begin, after its stage has changed. Its caller
// holds the mutex.
func (i *incarnation) queueLocked(e *execution) {
	switch name := e.task.Name; {
	case e.stage == stageWaiting || e.stage == stageReturned:
		i.startable[name] = e
	case i.startable[name] == e:
		delete(i.startable, name)
	}
}

// tellLocked notes that an execution may have progress to publish, unless none is published at
// its stage. Its caller holds the mutex.
func (i *incarnation) tellLocked(e *execution) {
	if !e.ends() {
		i.telling[e.task.Name] = e
	}
}

// toldLocked notes that an execution has nothing more to publish until its handler begins or
// reports. Its caller holds the mutex.
func (i *incarnation) toldLocked(e *execution) {
	if !e.beats() && i.telling[e.task.Name] == e {
		delete(i.telling, e.task.Name)
	}
}

// beats reports whether the worker itself publishes progress of an execution, for as long as it
// is held. A resident task that waits does so only for a handler that hangs.
func (e *execution) beats() bool {
	return e.task.Options.HeartbeatTimeout > 0 && !e.task.Options.Resident
}

// ends reports whether an execution has ended or cannot begin, so that its handler has nothing
// to report.
func (e *execution) ends() bool {
	return slices.Contains([]stage{stageBlocked, stageEnded, stageUnresolved, stageSettled}, e.stage)
}

// containsValue reports whether a value of a map fits.
func containsValue[K comparable, V any](all map[K]V, fits func(V) bool) bool {
	for _, v := range all {
		if fits(v) {
			return true
		}
	}
	return false
}
