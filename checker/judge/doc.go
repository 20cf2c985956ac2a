// Package judge gives the verdict on the folder of a stored run. It reads the record,
// asks package checker, and writes the verdict, the stories of violations, their
// smallest histories and the pages into the folder. It has no judges: those of every
// recipe are in package checker, and those of one recipe are in a room of that recipe.
//
// It is the implementation of torture check. It needs only the record: neither the
// recipe nor the harness, and no ensemble.
package judge
