// Package ensemble is the real ZooKeeper: servers in containers on a private
// network, or one that exists already, and the means to break both the servers
// and the way to them. It knows nothing of masters, workers, tasks and verdicts.
//
// Servers run under a small supervisor inside the container (server.sh), so that
// a server that is killed with SIGKILL keeps its container, hence its address,
// its packet rules and its data, and can be started again. Servers are cut from
// each other by packet rules inside the containers (NET_ADMIN there, nothing on
// the host); a participant is cut from the ensemble by its own [Proxy] here, the
// same on Linux and macOS. The proxy can impair the line in other ways, too
// ([Impairment]), because some kernels have no netem, and it can lose or hold the
// answer to a chosen write ([Trap]), because it reads along.
//
// A full disk is a volume in memory that is as small as wanted ([Config.SmallLog]), on
// one server. ZooKeeper does not end itself then: it leads or follows, fails to write,
// and tries again, with a log in its memory that the disk does not have. So it is
// killed before it gets the space back. A slow disk is strace, inside the container
// (SYS_PTRACE there), which holds the fsyncs of one thread.
//
// Every container, network and volume carries the label of the process that
// owns it. [RemoveLeftovers] finds those whose owner is gone. The reaper of
// testcontainers is not used: its image cannot be pulled everywhere.
package ensemble
