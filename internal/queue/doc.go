// Package queue is the queue recipe (package recipe/queue) as a subject. It puts together a workload,
// judges, stories, lanes and worlds, which are in the rooms below it. All but the workload and the worlds
// read the record by package history alone, and share no code with the recipe.
package queue
