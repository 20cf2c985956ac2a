package zk

import "time"

// Step is one write as a server learns of it.
type Step struct {
	Tree    Tree // after the write
	Changes []Change
	Expired int64     // the session that the write ends; 0 if it ends none, or if the client asked for it
	Due     time.Time // when a server that lags learns of it at the latest; zero: when something makes it catch up
}

// EndOf is the write that ends a session: its ephemerals are deleted. closed means that its
// client has asked for the end.
func EndOf(session int64, tree Tree, closed bool) Step {
	next, changes := tree.EndSession(session)
	step := Step{Tree: next, Changes: changes}
	if !closed {
		step.Expired = session
	}
	return step
}

// View is what one server of an ensemble knows: the tree, and the watches of its clients. A
// client is whatever gets the events. A server that lags learns of writes late, and one that is
// cut off learns of none; neither forgets one. A View is not safe for concurrent use.
type View[C comparable] struct {
	// Watches are those that the clients have set on this server.
	Watches Watches[C]

	tree   Tree
	behind []Step // the writes that the server has not learned of
	lags   int    // how many causes it has to lag
	cutOff int    // how many causes cut it off
	prompt bool   // it carries out a write, whose effect it sees at once
	tell   func(c C, f Fired, again bool)
	ended  func(session int64)
	news   func(changes []Change)
}

// NewView makes a server that knows that tree. It calls tell for each watch that fires; see
// Watches.Fire. It calls ended, unless that is nil, when it learns that a session has expired:
// before the events of the same write. It calls news, unless that is nil, with the changes of
// each write that it learns of: after the events of that write.
func NewView[C comparable](tree Tree, tell func(c C, f Fired, again bool), ended func(session int64), news func(changes []Change)) *View[C] {
	return &View[C]{tree: tree, tell: tell, ended: ended, news: news}
}

// Tree is the tree as the server knows it. Its reads are answered from it.
func (v *View[C]) Tree() Tree { return v.tree }

// See is one write that was committed. The server learns of it now, unless it lags or is cut
// off. See reports whether the server learns of it later because it lags.
func (v *View[C]) See(s Step) (late bool) {
	late = v.cutOff == 0 && v.lags > 0 && !v.prompt
	if late || v.cutOff > 0 {
		v.behind = append(v.behind, s)
		return late
	}
	v.learn(s)
	return false
}

// learn makes a write part of what the server's clients see.
func (v *View[C]) learn(s Step) {
	v.tree = s.Tree
	if s.Expired != 0 && v.ended != nil {
		v.ended(s.Expired)
	}
	for _, c := range s.Changes {
		v.Watches.Fire(c, v.tell)
	}
	if v.news != nil {
		v.news(s.Changes)
	}
}

// Advance lets the server learn of so many of the writes that it has missed.
func (v *View[C]) Advance(writes int) {
	for ; writes > 0 && len(v.behind) > 0; writes-- {
		next := v.behind[0]
		v.behind = v.behind[1:]
		v.learn(next)
	}
}

// AdvanceDue lets a server that lags learn of the writes that are due. One that is cut off
// learns of none.
func (v *View[C]) AdvanceDue(now time.Time) {
	for v.cutOff == 0 && len(v.behind) > 0 && !v.behind[0].Due.IsZero() && !v.behind[0].Due.After(now) {
		v.Advance(1)
	}
}

// CatchUp lets the server learn of everything, as an answer from the leader does. A server that
// lags falls behind again.
func (v *View[C]) CatchUp() { v.Advance(len(v.behind)) }

// Prompt carries out what the leader must answer: a write or a sync. Its answer comes after all
// earlier writes, so the server learns of them first. It learns of what do writes at once.
func (v *View[C]) Prompt(do func()) {
	v.CatchUp()
	v.prompt = true
	defer func() { v.prompt = false }()
	do()
}

// Lag is a cause for the server to lag, until KeepUp.
func (v *View[C]) Lag() { v.lags++ }

// KeepUp ends one cause of Lag. After the last one the server catches up, unless it is cut off.
func (v *View[C]) KeepUp() {
	v.lags--
	v.Resume()
}

// Lags reports whether the server has a cause to lag.
func (v *View[C]) Lags() bool { return v.lags > 0 }

// Isolate is a cause that cuts the server off from the leader, until Unite.
func (v *View[C]) Isolate() { v.cutOff++ }

// Unite ends one cause of Isolate. The server stays behind until Resume.
func (v *View[C]) Unite() { v.cutOff-- }

// Isolated reports whether the server is cut off.
func (v *View[C]) Isolated() bool { return v.cutOff > 0 }

// Resume lets the server catch up if it neither lags nor is cut off.
func (v *View[C]) Resume() {
	if v.lags == 0 && v.cutOff == 0 {
		v.CatchUp()
	}
}

// Join makes a tree what the server knows, as a leader gives it to a server that begins to
// follow. No watch fires.
func (v *View[C]) Join(tree Tree) {
	v.tree = tree
	v.Part()
}

// Part lets the server forget the writes that it has not learned of, until Join.
func (v *View[C]) Part() { v.behind = nil }

// Refuses reports whether the server refuses the connection of a client because the client has
// seen a later zxid than the server has.
func (v *View[C]) Refuses(seen int64) bool { return seen > v.tree.zxid }

// Rearm sets a watch for its next event again, after the client has come from another
// connection. If the client has missed the event, Rearm returns that, and the watch is not set.
// The arguments are those of Tree.Rearm.
func (v *View[C]) Rearm(c C, on Watch, missing bool, before int64) (Event, bool) {
	event, fires := v.tree.Rearm(on, missing, before)
	if !fires {
		v.Watches.Set(c, on, WatchOnce)
	}
	return event, fires
}
