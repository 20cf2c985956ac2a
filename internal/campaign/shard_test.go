package campaign

import (
	"testing"
)

func TestShard_SetRefusesBadParts(t *testing.T) {
	for _, text := range []string{"", "2", "0/3", "4/3", "-1/3", "a/3", "1/b", "1/0", "1/2/3"} {
		if err := new(Shard).Set(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}
