// Package judge judges runs of the store: that each record is a register, and what is in parts whole; that
// nothing that was acknowledged is lost; that only the last store that was opened writes; what a load
// returns, and what is collected; and, by package leadership, who has the lock. It shares no code with the
// recipe.
package judge
