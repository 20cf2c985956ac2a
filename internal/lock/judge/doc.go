// Package judge judges runs of locks: who held what, in ZooKeeper's own order and as the holders
// believed, what they wrote in the name of their tokens, and what is left of them; whether delays were
// waited for, several locks were taken together or not at all, and holders heard that they were asked
// to release. It shares no code with the recipe.
package judge
