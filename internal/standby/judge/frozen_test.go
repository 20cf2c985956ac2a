package judge

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker/wording/wordingtest"
)

func TestCodes_HaveTheirSentences(t *testing.T) { wordingtest.Hold(t, texts, ".") }
