// Package candidate has what participants that stand for election, or listen who leads, do
// in the runs of every subject, and how the nemesis finds the one that leads. It is code that
// workloads of several recipes share, and judges nothing: for that there is package
// leadership.
package candidate
