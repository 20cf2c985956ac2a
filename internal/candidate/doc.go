// Package candidate has what participants that stand for election, or listen who leads, do
// in the runs of every subject, and how the nemesis finds the one that leads.
package candidate
