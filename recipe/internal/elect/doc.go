// Package elect is the election of one leader: candidates on their sessions, what the one that
// leads may do, and how others see who leads. Package election is this election for
// applications, and the master of package recipe is elected by it.
//
// The leader has an ephemeral znode, and a claim: the version of another znode, the epoch. One
// multi makes the one and raises the other. Every write of the leader checks the epoch.
package elect
