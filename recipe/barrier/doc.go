// Package barrier has barriers and double barriers on ZooKeeper. A barrier is set and lifted, and
// processes wait while it is set. A double barrier lets n participants begin together and end
// together.
//
// # Znodes of a barrier
//
//	<path>                  persistent; the barrier is set while it is there
//	<parent>/lane-<name>-0  ephemeral; its version counts the writes of one process
//
// These are Curator's and kazoo's, so zkCli takes part: create <path>, delete <path>, stat -w <path>.
//
// # Znodes of a double barrier
//
//	<path>                    persistent; its version is the number of the last round
//	<path>/<unique>-0000000001  ephemeral: a participant
//	<path>/ready              persistent, while a round is in: its number, and who is in it
//	<parent>/lane-<name>-0    ephemeral; its version counts the writes of one process
//
// With zkCli, create -s -e <path>/me- takes part; get -w <path>/ready says when it is in, and it
// leaves when the session ends. The one who sees n participants makes ready, in one multi that checks
// that they are all there. The others wait for ready alone. To leave, all but the first delete their
// znodes and wait for the first one; the first one waits for the last one, and deletes ready with its
// own znode. So each end wakes one participant, and no event wakes one that cannot go on.
//
// # Guaranteed
//
//   - Wait returns nil only if the barrier was not set at a moment in between.
//   - Enter returns nil only after n participants were there at one moment, and it is one of them.
//     These n are a round. No other participant enters before the round has left.
//   - Leave returns nil only after every other participant of the round has called Leave, or has
//     lost its znode, and then all of them are let go.
//   - The death of a participant keeps no other one waiting longer than the session lasts: before
//     the round it is not counted, and in the round it counts as one that has left. If all die, the
//     next one who comes ends the round.
//   - The number of a round is greater than those of all earlier rounds. This holds after a restore of
//     the ensemble too, and if the path is deleted and made again, for the earlier rounds that the
//     processes of its participants were in.
//   - No participant leaves its znode behind, whatever ends Enter or Leave. The ready znode of a round
//     whose participants have all died stays until the next one comes.
//   - Set and Lift are applied once at most. If zkapi.FateOf(err) is zkapi.Unknown, the session, ctx
//     or Close ended them while the answer was out, or a person deleted the lane then.
//
// # Not guaranteed
//
//   - A participant is counted until the ensemble has ended its session, so a round can begin with
//     one that has just died.
//   - A participant that has lost its session may still be working when the others leave. Let it
//     work under Inside.Context, and write through Inside.Write.
//   - If none of the participants has been in an earlier round, its number may come again after a
//     restore, or if the path is deleted. So may the rounds of zkCli. A system outside that compares
//     numbers must be told.
//   - Wait and IsSet may be late while the leader of the ensemble is being replaced.
//
// Entering costs four requests and one to three reads for each time that it wakes; one read more if the
// process has been in a round before. The first write of a session makes the lane, which costs one write
// more. After a restore more writes raise the version of the path beyond the rounds of before: by 1000, and
// 200 with each write. The raise waits until no round is in.
//
// # Sources
//
// ZooKeeper's own recipes ("Barriers", "Double Barriers"). In Curator and kazoo the ready znode is an
// ephemeral of the one who made it: if that one dies, a slow participant waits for ever, and others
// begin a new round beside the old one. Here ready is persistent, has a number, and goes with the
// last participant.
package barrier
