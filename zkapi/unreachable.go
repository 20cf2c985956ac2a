package zkapi

// Unreachable says why there is no connection to the ensemble, in the network's words, such as
// "zk1:2181: connection refused". It explains another error, such as the end of a context. It
// is no refusal: another server may be there, or the same one later.
type Unreachable struct {
	Reason string
}

// Error implements error.
func (u *Unreachable) Error() string { return u.Reason }

// Reporter is an Env or a Session that knows why it has no connection.
type Reporter interface {
	// Unreachable is nil while there is a connection, and if no attempt has failed yet. For
	// an Env it is about the sessions that are being opened.
	Unreachable() *Unreachable
}

// WhyUnreachable asks an Env or a Session why it has no connection. It returns nil if there is
// one, or if it cannot tell.
func WhyUnreachable(of any) *Unreachable {
	if r, ok := of.(Reporter); ok {
		return r.Unreachable()
	}
	return nil
}
