// Package ensemble is the real ZooKeeper: servers in containers on a private network,
// or an existing ensemble, and the means to break the servers and the connections to
// them. It knows nothing of masters, workers, tasks and verdicts.
//
// Servers run under a small supervisor inside the container (server.sh). So a server
// that is killed with SIGKILL keeps its container, hence its address, its packet rules
// and its data, and can be started again. Packet rules inside the containers cut
// servers from each other (NET_ADMIN there, nothing on the host). A participant is cut
// from the ensemble by its own [Proxy] here, the same on Linux and macOS. The proxy can
// impair the line in other ways, too ([Impairment]), because some kernels have no
// netem. It also reads the traffic, so it can lose or hold the answer to a chosen write
// ([Trap]).
//
// A full disk is a volume in memory, as small as needed ([Config.SmallLog]), on one
// server. ZooKeeper does not stop when its disk is full: it leads or follows, fails to
// write, and tries again, with a log in its memory that the disk does not have. So it
// is killed before it gets the space back. A slow disk is strace inside the container
// (SYS_PTRACE there), which holds the fsyncs of one thread.
//
// Every container, network and volume carries the label of the process that owns it.
// [RemoveLeftovers] finds the leftovers of dead owners. The reaper of testcontainers is
// not used, because its image cannot be pulled everywhere.
package ensemble
