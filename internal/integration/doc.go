// Package integration has the tests that need the recipe, the client and an ensemble at once.
// It has no code of its own.
//
// A test of our own code drives its ensemble through one interface (driven_test.go), and runs
// twice: on servers of model/zk/serve, in this process, also with go test -short; and on real
// servers in containers. What is found on one and not on the other is a defect.
//
// Some tests have one of the two only. On real servers alone: settings that serve lacks
// (limits_test.go, and the rollover of zxids in profiles_test.go), four-letter words that are
// switched off (timing_test.go), and the files of servers that were killed (txnlog_test.go). On
// serve alone: what concerns the servers' addresses and not the servers (TestOneName in
// profiles_test.go; runs of the profile one-name have it on real ones), and the proof that the
// replay of schedules notices defects (schedule_test.go).
//
// Three tests compare the model with a real ensemble. One draws requests and sessions
// at random (differential_test.go). One follows whole schedules of the explorer with the
// recipe's own programs (schedule_test.go). One sends the same frames to model/zk/serve and
// to a real server (raw_test.go). The first two compare the model with serve, too, which has
// the same tree: that tests the client library and the server around the tree.
//
// Programs in testdata/clients use other people's clients. They run against model/zk/serve and
// a real server, and find the same on both (clients_test.go).
//
// Programs of recipe/lock, Curator and kazoo contend for one lock on real servers, under faults
// (interop_test.go). The judge (interop_judge_test.go) has the servers' transaction logs.
package integration
