// Package judge judges runs of the active-standby switch: that one process is active at a time, and
// none before the one before it was fenced or has left; what the breadcrumb says; failovers; and,
// by package leadership, who has the lock. It shares no code with the recipe.
package judge
