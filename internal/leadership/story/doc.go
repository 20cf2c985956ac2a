// Package story tells violations of the election of a leader, for every recipe that
// elects one by the znodes /master and /assign. It judges nothing, and it reads the
// record only.
package story
