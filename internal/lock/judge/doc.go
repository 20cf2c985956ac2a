// Package judge judges runs of locks: who held what, in ZooKeeper's own order and as the holders
// believed, what they wrote in the name of their tokens, and what is left of them. It shares no
// code with the recipe.
package judge
