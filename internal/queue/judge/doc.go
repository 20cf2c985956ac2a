// Package judge judges runs of queues: what producers and consumers were told, what they believed,
// and what ZooKeeper committed. It shares no code with the recipe.
//
// There is no property that one queue explains all operations at once, because the recipe does not
// promise that: a consumer reads two lists, which are of two moments. What it promises of the order
// of items, and of an empty queue, has properties of its own.
package judge
