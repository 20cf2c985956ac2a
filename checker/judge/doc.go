// Package judge gives the verdict on the folder of a stored run. It reads the record,
// asks package checker, and writes the verdict, the stories of violations, their
// smallest histories and the pages into the folder.
//
// It is the implementation of torture check. It needs only the record: neither the
// recipe nor the harness, and no ensemble.
package judge
