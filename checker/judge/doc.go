// Package judge gives the verdict on the folder of a stored run: it reads the record, asks
// package checker, and leaves the verdict, the stories of what is violated, their smallest
// histories and the pages in the folder.
//
// It is what torture check does, and it needs the record alone: neither the recipe nor the
// harness, and no ensemble.
package judge
