// Command counter tortures a recipe of this module with Ringmaster's harness:
//
//	go run . run --ensemble memory --time 10s
//	go run . explore --losses 1 --expiries 1
//	go run . run --recipe careless-counter --ensemble memory --time 10s
//
// The last one has a planted defect, and its verdict is invalid.
package main

import "github.com/ringmaster-zk/ringmaster/torture"

func main() {
	torture.Main(subjectOf("counter", false), subjectOf("careless-counter", true))
}
