package wording_test

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/checker/wording/wordingtest"
)

func TestCodes_HaveTheirSentences(t *testing.T) {
	wordingtest.Hold(t, wording.Everywhere(), ".", "..")
}
