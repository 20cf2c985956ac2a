// Package lock is the lock recipe (package recipe/lock) as a subject. It puts together a workload,
// judges, stories, lanes and worlds, which are in the rooms below it. All but the workload and the
// worlds read the record by package history alone, and share no code with the recipe.
package lock
