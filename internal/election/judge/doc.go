// Package judge judges runs of leader election: who leads (package leadership), and
// whether what only the leader may write kept the order of the epochs. It shares no code
// with the recipe.
package judge
