// Package zkclient runs the recipe in production: it makes one ZooKeeper
// session a Go value, over github.com/go-zookeeper/zk, and is the only package
// that knows that library. It knows nothing of masters, workers and tasks.
//
// The library is used unmodified, and some of its habits are cured from outside. Each
// cure has a test that fails without it (cures_test.go, and the files that are named).
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
//   - The library believes what a server sends. It allocates what a length or a count
//     says, gigabytes for an answer of an HTTP server; it ends the process on a short
//     frame or a timeout of 0; it takes stale bytes of its buffer for the rest of an
//     answer. Cure: the same net.Conn hands on whole frames only, and of those only the
//     ones that answer a request of this connection and hold what their lengths and
//     counts promise (frames.go; nonsense_test.go, fuzz_test.go). Everything else ends
//     the connection with zkapi.ErrNotZooKeeper.
//   - Codes that the library has no name for become errors without a type, which looked
//     like a lost connection. Cure: the code is read back, and is an answer
//     (answers_test.go).
//   - A server that grants another session on reconnect is believed, and what is queued
//     is sent on it. Cure: the same net.Conn compares id and password; the Session ends
//     as if it had expired (resume_test.go).
//   - The library's buffer for requests has 1.5 MiB, and a request that ends within a byte
//     of its end takes the process down. Cure: the buffer is larger than Config.MaxRequest
//     (oversize_test.go).
//   - On reconnect the library sets its watches in packets of 128 KiB and some bytes, which
//     a server with a jute.maxbuffer of 128 KiB does not take. Cure: the same net.Conn cuts
//     them into smaller ones (oversize_test.go).
//
// # The lease
//
// A session is believed in for the negotiated timeout, less a margin, from the
// moment the last acknowledged request was sent, by a clock that
// runs while the machine sleeps (CLOCK_BOOTTIME on Linux). It is
// not counted from the disconnect, which is noticed late, nor from the answer. Each
// connection negotiates the timeout anew; the smallest holds. An answer with which a
// server only says that it is too busy, cannot write, or wants something else, prolongs
// nothing. When it runs out the Session ends and nothing but the request to close it is
// sent any more. A server that is itself cut off from its leader answers pings
// for a while, so this lease alone does not prove that the leader still counts
// the session as alive; package recipe therefore leads and owns by the
// stricter rule of acknowledged writes, and by Driver.Elapsed.
//
// # Refusals
//
// Every code of a server is an answer: the request was not applied (zkapi.ServerError,
// and the table behind it). The codes that say that the server does not know the session
// end it (ErrExpired), and so does the one that asks for credentials of another scheme
// (enforce.auth.schemes): that server closes the connection after it, and the library
// would connect again for ever. A session that has moved to another connection is claimed
// again by a new one.
//
// Credentials are shown first on every connection. When a server refuses them the
// session ends with zkapi.ErrAuthFailed; the library would connect again for ever,
// and each connection would prolong the lease. Over TLS, when every server refuses
// this client's certificate, or has one that is not to be trusted, Open returns
// zkapi.ErrUntrusted instead of trying for ever. An end of file in the handshake is
// no such refusal: it may be a server without TLS, or one that is starting.
// Secrets are in no log, error or String.
//
// When none of the servers is a ZooKeeper, Open returns zkapi.ErrNotZooKeeper at once,
// with the address and the beginning of the answer. One that is not, beside others, is
// told in the log and passed over.
//
// # Requests that are too large
//
// What is larger than Config.MaxRequest is not sent (zkapi.ErrTooLarge). A server whose
// own limit is smaller closes the connection without a word, each time. So when three
// connections in a row were closed while a request of more than 64 KiB was unanswered, the
// errors of requests of that size say so (zkapi.ErrProbablyTooLarge, beside
// zkapi.ErrConnectionLoss), and the log does once. An answer to a request of that size, or
// a connection that is lost without one, takes the suspicion back. It is never certain.
//
// # Limits
//
// No SASL. Answers have at most 64 MiB: a list of some three million names. Servers are
// handed to the library by name (hosts.go) and resolved for each connection. Namespaces
// are the recipe's, not a chroot of the connection.
package zkclient
