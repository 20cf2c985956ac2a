// Package story tells violations of the master-worker recipe: the life of a task, what a
// write did to it, and for each property which check refuses what should not have
// happened. It judges nothing, and it reads the record only.
package story
