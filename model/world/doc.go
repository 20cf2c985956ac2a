// Package world is what the explorer explores: the recipe's own masters, workers
// and clients as programs of a world, and the properties that every state of that
// world must have, under the names that the harness uses.
//
// It composes and must hold no logic of the recipe: what a master or a worker does
// is package recipe, as it is in production. The judges read znodes as an outsider
// would, and share no code with the recipe.
package world
