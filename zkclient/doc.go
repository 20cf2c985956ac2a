// Package zkclient runs the recipe in production. It makes one ZooKeeper session a Go value,
// over github.com/go-zookeeper/zk, and is the only package that imports that library. It
// knows nothing of masters, workers and tasks.
//
// The library is used unmodified, and some of its defects are cured from outside. Each cure
// has a test that fails without it (cures_test.go, and the files named below).
//
//   - On expiry the library opens a new session by itself, and sends requests on it that were
//     queued for the old session. So a write of a deposed master gets through. Cure: the
//     connection is closed inside the expired callback, before the library can connect again.
//   - If a server accepts TCP and then stays silent, the handshake lasts 6.67 session
//     timeouts, or for ever. The negotiated timeout has no getter. Cure: a net.Conn handed in
//     through the dialer caps the handshake and reads the timeout out of the connect
//     response.
//   - A failed socket write becomes a raw network error. While credentials are sent again, it
//     blocks the client for good. Cure: the same net.Conn closes the socket and reports
//     success, so every such failure becomes a lost connection with unknown fate.
//   - After a reconnect the library reads its last zxid to set the watches again, while
//     another goroutine stores the zxid of the first reply: a data race. Cure: the same
//     net.Conn keeps the last zxid and sends it to the servers itself.
//   - The library trusts the server's bytes. It allocates as much as a length or a count
//     says: gigabytes for an answer of an HTTP server. It ends the process on a short frame
//     or a timeout of 0. It takes stale bytes of its buffer for the rest of an answer. Cure:
//     the same net.Conn passes on only whole frames that answer a request of this connection,
//     and whose lengths and counts fit (frames.go; wire_test.go, fuzz_test.go).
//     Everything else ends the connection with zkapi.ErrNotZooKeeper.
//   - Codes that the library does not name become errors without a type, like those of a lost
//     connection. Cure: the code is read from the error text, and counts as an answer
//     (answers_test.go).
//   - If a server grants another session on reconnect, the library accepts it and sends the
//     queued requests on it. Cure: the same net.Conn compares id and password; the Session
//     ends as if it had expired (resume_test.go).
//   - The library's buffer for requests has 1.5 MiB. A request that ends within a byte of the
//     buffer's end crashes the process. Cure: the buffer is larger than Config.MaxRequest
//     (oversize_test.go).
//   - On reconnect the library sets its watches in packets slightly larger than 128 KiB,
//     which a server with a jute.maxbuffer of 128 KiB rejects. Cure: the same net.Conn cuts
//     them into smaller packets (oversize_test.go).
//
// # Many reads at once
//
// DoAll asks for gets and children without a watch by multiReads (opcode 22, ZooKeeper 3.6 and
// later), if there are several. The results, errors and fates are those of single requests. A
// DoAll with one such read, watched reads, exists, sync and writes are sent one by one.
//
// The library does not know multiRead. So the session makes a request that the library knows,
// and the wire writes the multiRead in its place, with the same xid (carrier.go). The request
// asks for a path that no server takes, and is itself never sent. So the order of requests,
// the credentials, the flow control and the failures are those of the library.
//
// An answer has to have a result or an error for each read, in the order of the reads; otherwise
// none of it is read, and the connection ends with zkapi.ErrNotZooKeeper (frames.go). Answers
// are kept near 1 MiB by what earlier ones had (window.go). A share has at most 64 reads, eight
// of them are under way for each DoAll, and a lost connection halves the next share. An
// answer over 64 MiB is skipped, and the reads are asked for in smaller shares; the connection
// stays.
//
// multiRead has children without their Stat. So it asks for the children and then for the data,
// whose answer has the Stat. The server may write in between. But the server knew every write
// that the session had seen when the request was sent. If the list changed last by one of
// those (Stat.Pzxid), it did not change in between, and the list and the Stat are of one moment.
// Otherwise the list is asked for again by itself. Lists of znodes with more than 4 KiB of data
// are asked for one by one, because the data would come along each time.
//
// A server before 3.6 refuses a multiRead before it answers earlier requests, and closes the
// connection. So the first multiRead of a connection goes out when all earlier requests are
// answered, and later requests wait until it is answered, which is twice the time of a request
// (the session is kept alive meanwhile). If it is refused, the connection is ended, nothing else
// is lost, and the reads are repeated one by one on the next connection. The Driver does not try
// multiRead with that address again, so after an upgrade of the servers only a new process uses
// it there. If the connection ended without an answer, the Driver tries again after a minute, and
// not any more after three such times. A process whose DoAll never has several reads tries nothing.
//
// # Lists that are followed
//
// A followed read (zkapi.Op.Followed) asks the server for a recursive watch (addWatch, opcode 106,
// ZooKeeper 3.6 and later), and then for the whole list. The server tells the connection of each
// change below the znode from then on. The wire writes the changes behind the list into a log
// (feeds.go), and later reads are answered from it, without a request (follow.go). So reading a list of
// 100,000 names after one change costs that change.
//
// The wire takes each event over before it passes on any later frame. So an answer from the log
// is at least as new as every answer that a caller has. When the znode itself was set, the next
// read asks for its Stat first. A new connection, the end of the session and the deletion of the
// znode make the next list a whole one.
//
// If more than 10,000 changes wait to be read, and more than twice as many as there are names, the
// list is not followed any more, because the whole one costs less then. A list that no caller has
// asked for in five minutes is not followed any more, either. In both cases the client tells the
// server to watch no more (removeWatches). That request also removes the watches of the library on
// that znode, so the client fires these.
//
// In a server before 3.9 a watch of Get or Exists takes the place of a recursive watch on the same
// znode. So the wire takes the watch out of such a request: the recursive one tells of the same
// events, and the library fires its own watch at them. A recursive watch takes the place of a watch
// of Children there, so that fires when the following begins.
//
// The first addWatch of a connection is sent like the first multiRead, and a server that lacks
// multiRead is not asked. With servers that lack it, or refuse it, such as those with another
// watch manager (zookeeper.watchManagerName), lists are whole and have a watch for one event.
//
// # The lease
//
// The lease of a session is the negotiated timeout, less a margin (zkapi.SessionLease). It starts when the last
// acknowledged request was sent, and is measured by a clock that runs while the machine
// sleeps (CLOCK_BOOTTIME on Linux). It does not start at the disconnect, which is noticed
// late, nor at the answer. Each connection negotiates the timeout again; the smallest timeout
// counts. An answer does not extend the lease if the server only says that it is too busy,
// cannot write, or wants something else. When the lease runs out, the Session ends; after
// that only the request to close the session is sent. A server that is cut off from its
// leader still answers pings for a while. So this lease does not prove that the leader counts
// the session as alive. Package recipe therefore uses the stricter rule of acknowledged
// writes, measured by Driver.Elapsed.
//
// # Refusals
//
// Every code of a server is an answer: the request was not applied (zkapi.ServerError, and
// the table behind it). A code that says that the server does not know the session ends the
// Session (ErrExpired). So does the code that asks for credentials of another scheme
// (enforce.auth.schemes): the server closes the connection after it, and the library would
// connect again for ever. If a session has moved to another connection, a new connection
// claims it again.
//
// Credentials are sent first on every connection. When a server refuses them, the session
// ends with zkapi.ErrAuthFailed; the library would connect again for ever, and each
// connection would extend the lease. Over TLS, Open returns zkapi.ErrUntrusted if every
// server refuses this client's certificate, or has a certificate that this client does not
// trust. An end of file in the handshake is no such refusal, because the server may have no
// TLS, or may be starting. Secrets appear in no log, error or String.
//
// If none of the servers is a ZooKeeper server, Open returns zkapi.ErrNotZooKeeper at once,
// with the address and the beginning of the answer. If only some are not, each is logged and
// skipped.
//
// # Requests that are too large
//
// A request larger than Config.MaxRequest is not sent (zkapi.ErrTooLarge). A server with a
// smaller limit closes the connection without an answer, each time. So the client suspects a
// smaller limit when three connections in a row were closed while a request of more than 64
// KiB was unanswered. Then the errors of requests of that size say so
// (zkapi.ErrProbablyTooLarge, beside zkapi.ErrConnectionLoss), and the log says it once. The
// suspicion ends when a request of that size is answered, or when a connection is lost
// without such a request. It is never certain.
//
// # Tries
//
// The library gets the servers by name, and each call of its dialer tries one address
// (route.go, names.go). A lookup has a time of its own. A try, which is the dial, the handshake
// of TLS and that of ZooKeeper, is bounded by the granted timeout and by what is left of the
// lease, which it shares with the other addresses (dial.go). So a server that accepts
// connections and never answers costs no session while another one answers. No address has a
// second turn without a pause, and pauses grow until there is a connection.
//
// A server that is overloaded answers no handshake in time, and makes a session for each try
// nevertheless. So each handshake that is not answered in time doubles the time of the next try, of
// the next session, too, until a server answers (slowness.go). No try lasts longer than the lease that
// it could get; from there on a client without a session waits between tries, up to 5 s. The client
// of the Java distribution has a fixed time for each try, the session timeout divided by the number
// of servers, and pauses of up to a second between tries.
//
// If every server ends its connections in the handshake, the client asks one of them for the
// cause, without a session and without secrets (diagnose.go). The log has the answer once, and
// so have the error of Open and Session.Cause.
//
// # Limits
//
// There is no SASL. Answers have at most 64 MiB, which is a list of about three million
// names. Namespaces belong to the recipe; they are no chroot of the connection.
package zkclient
