package leadership

// Election is the sequential specification of one election: the moment at which an
// epoch begins. Before it the old master may act and the new one may not. After it the
// new master may act and the old one may not.
type Election struct{ Held bool }

// Elect begins the epoch, once.
func (e Election) Elect() (Election, bool) { return Election{Held: true}, !e.Held }

// ActBefore is a write of the master before.
func (e Election) ActBefore() (Election, bool) { return e, !e.Held }

// ActAfter is a write of the master that was elected.
func (e Election) ActAfter() (Election, bool) { return e, e.Held }
