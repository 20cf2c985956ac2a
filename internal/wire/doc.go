// Package wire reads ZooKeeper's client protocol along, in both directions: it cuts
// the bytes of a connection into frames ([Frames]) and says what each asks for or
// answers, in the port's words ([Conversation]).
//
// It is for those who stand between a client and a server and must not disturb
// either. So it never fails: what it does not understand it passes over, and a
// stream that is no stream of frames it marks as broken and reads no further.
//
// It knows the requests that the port has, the end of a session, and what a client
// library sends of itself (zookeeper.jute is the source). It must not know who
// listens, or what for.
package wire
