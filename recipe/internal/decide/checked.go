//go:build checkview

package decide

// With the tag checkview every pass checks the indexes, in programs too and in the explorer's
// worlds: go test -tags checkview ./internal/masterworker/world
func init() { CheckEachPass = true }
