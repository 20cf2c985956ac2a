// Package election is the second subject: leader election alone. Masters of the recipe
// stand for election, without a worker and without a task. The one that leads writes to
// a znode of its own under the fence of its epoch; clients listen who leads.
package election
