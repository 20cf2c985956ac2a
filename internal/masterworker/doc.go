// Package masterworker is the first subject: the master-worker recipe under torture.
// Its rooms are the only ones of the proof that know tasks by name.
package masterworker
