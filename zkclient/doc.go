// Package zkclient runs the recipe in production: it makes one ZooKeeper
// session a Go value, over github.com/go-zookeeper/zk, and is the only package
// that knows that library. It knows nothing of masters, workers and tasks.
//
// The library is used unmodified, and four of its habits are cured from
// outside. Each cure has a test that fails without it (cures_test.go).
//
//   - On expiry the library opens a new session by itself and sends what was
//     queued for the old one on it: a deposed master's write gets through. Cure:
//     the connection is closed inside the expired callback, before the library
//     can connect again.
//   - A server that accepts TCP and then stays silent holds the handshake for
//     6.67 session timeouts, or for ever; the negotiated timeout has no getter.
//     Cure: a net.Conn handed in through the dialer caps the handshake and reads
//     the timeout out of the connect response.
//   - A failed write surfaces as a raw network error and, while credentials are
//     re-sent, wedges the client for good. Cure: the same net.Conn closes the
//     socket and reports success, so that every such failure becomes the one
//     error that is understood: connection lost, fate unknown.
//   - After a reconnect the library reads its last zxid, to set the watches again,
//     while another goroutine stores the one of the first reply: a data race. Cure:
//     the same net.Conn keeps the last zxid and tells it to the servers itself.
//
// # The lease
//
// A session is believed in for the negotiated timeout, less a margin, from the
// moment the last acknowledged request was sent, by the monotonic clock. It is
// not counted from the disconnect, which is noticed late, nor from the answer.
// When it runs out the Session ends and nothing but the request to close it is
// sent any more. A server that is itself cut off from its leader answers pings
// for a while, so this lease alone does not prove that the leader still counts
// the session as alive; package recipe therefore leads and owns by the
// stricter rule of acknowledged writes, and by Driver.Elapsed.
//
// # Refusals
//
// Credentials are shown first on every connection. When a server refuses them the
// session ends with zkapi.ErrAuthFailed; the library would connect again for ever,
// and each connection would prolong the lease. Over TLS, when every server refuses
// this client's certificate, or has one that is not to be trusted, Open returns
// zkapi.ErrUntrusted instead of trying for ever. An end of file in the handshake is
// no such refusal: it may be a server without TLS, or one that is starting.
// Secrets are in no log, error or String.
//
// # Limits
//
// No SASL. Servers are handed to the library by name (hosts.go) and resolved for
// each connection. Namespaces are the recipe's, not a chroot of the connection.
package zkclient
