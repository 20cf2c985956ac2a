// Package store keeps the records of an active process for the next one, as the state store of YARN's
// ResourceManager does: applications, their attempts, tokens, keys. Records are in a hierarchy. They are
// written only by the active process, with the epoch of its store, and loaded by the next one when it has
// become active.
//
//	active := ...                                                         // election.Leadership, lock.Held, standby.Active
//	s, err := store.Open(ctx, env, active, store.Config{Layout: layout}) // from now on no earlier active writes
//	records, err := s.Load(ctx)
//	...
//	_, err = s.Apply(ctx, store.Create("apps/application_1", data), store.Create("apps/application_1/attempt_1", more))
//
// There are three implementations of [Store]: [ZooKeeper], [Memory], and that of package file, for one host.
//
// # Znodes
//
// Layout has the names; these are those of Layout.YARN, which has the names of Hadoop's /rmstore.
//
//	<root>/RMVersionNode                        persistent: the format, and the types of records, in JSON
//	<root>/EpochNode                            persistent: its version is the epoch; the name of the last active
//	<root>/RMAppRoot/<app>                      persistent: a record; the data is the value
//	<root>/RMAppRoot/<app>/<attempt>            persistent: a record below it
//	<root>/RMAppRoot/HIERARCHIES/2/<app>/<nn>   persistent: a record whose id is split (Type.Split)
//	<root>/RMPartsRoot/<epoch>-<unique>/0000    persistent: a part of a value that is too large for one znode
//
// zkCli takes part by hand: get, create, set -v and delete of a record, as long as its value is small. A value that begins with @
// has @= in front. Data that begins with @parts says where the parts are, how many bytes they have, and their SHA-256.
//
// Open raises the version of EpochNode. Every write of a Store is one multi that begins with a check of that
// version, behind the check of the Writer. So nothing that an earlier Store sends is applied after a later
// one was opened, even if the Writers have no claim of their own. EpochNode is never deleted, because its
// versions would begin again.
//
// # Guaranteed
//
//   - No write of an earlier Store takes effect after a later Store was opened.
//   - Apply applies all of its changes, or none. What its error says of the fate is true: an answer that was
//     lost is looked for, by a fenced write that changes nothing, until ctx ends or the epoch is another one.
//     Only then the fate may be unknown (ErrInDoubt).
//   - Apply and Get of one Store are linearizable.
//   - Load of a new Store has everything that was applied before it was opened. It reads only from
//     servers that have seen its epoch.
//   - A large value is there whole or not at all: its parts are written first, in a place of their own, and
//     one multi makes the record point to them. A reader never takes a part of another value for its own.
//   - Parts that belong to no record are deleted by Collect of the present Store alone, never those of a later one.
//   - A store of a newer format is refused (ErrNewer), also if it becomes newer while it is opened.
//
// # Not guaranteed
//
//   - The format of the data is not Hadoop's: only the names are. Hadoop cannot read the store.
//   - The version of a record begins at 0 again when it is deleted and made again.
//   - After the ensemble was restored from a backup, epochs may come again. The records go back with them.
//   - A View, and a person with zkCli, may read what is old. A person who sets a record ignores the epoch.
//   - All changes of one Apply are one request: with thousands of changes it is too large (zkapi.ErrTooLarge).
//   - A Store does not learn by itself that it is fenced: its next call does. The Writer's context ends before.
//
// Apply costs one multi, and a sync and a read for each change with Any. A value in n parts costs n+1 writes
// more, and one when it is replaced. Get costs a sync, a read and a multi. Load costs a read for each record,
// many of which share a request.
//
// # Sources
//
// The hierarchy, the names, the split ids (YARN-2962) and the epoch are those of ZKRMStateStore in Hadoop
// YARN. That store fences by creating and deleting RM_ZK_FENCING_LOCK in each multi, under an ACL that the
// next active changes; here the check of a version is in its place, as in Kafka's controller (KAFKA-6082). It
// refuses values above zk-max-znode-size; the parts and their pointer are the write-ahead of shadow paging.
// Which writes are repeated, and how their fate is found out, are package recipe's rules.
package store
