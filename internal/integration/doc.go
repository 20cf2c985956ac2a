// Package integration has the tests that need the recipe, the client and a real
// ensemble at once. It has no code of its own.
//
// Three of them compare the model with the real ensemble. One draws requests and sessions
// at random (differential_test.go). One follows whole schedules of the explorer with the
// recipe's own programs (schedule_test.go). One sends the same frames to model/zk/serve and
// to a real server (raw_test.go).
//
// Programs in testdata/clients use other people's clients. They run against model/zk/serve and
// a real server, and find the same on both (clients_test.go).
package integration
