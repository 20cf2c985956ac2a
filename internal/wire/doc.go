// Package wire decodes ZooKeeper's client protocol in both directions. It cuts the
// bytes of a connection into frames ([Frames]) and decodes each request or answer in
// the port's terms ([Conversation]).
//
// It is for proxies between a client and a server that must not disturb either. So it
// never fails: it skips everything that it does not understand. It marks a stream that
// does not consist of frames as broken and reads no further.
//
// It knows the requests of the port, multiRead, addWatch, removeWatches, the end of a session, and
// the requests that a client library sends by itself (zookeeper.jute is the source). It must not know its
// users or their purpose.
package wire
