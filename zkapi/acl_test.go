package zkapi_test

import (
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestDigestIDWith_IsWhatServersCompute has hashes that were made with openssl.
func TestDigestIDWith_IsWhatServersCompute(t *testing.T) {
	for algorithm, want := range map[string]string{
		"SHA1": "016djjlksVQS5RgX3M7biBGyYwY=", "SHA-1": "016djjlksVQS5RgX3M7biBGyYwY=", "MD5": "X2e76GWYf4Tbe6Pa6kJNzw==",
		"SHA-256": "9jzXNOeC1zQz3Hf1H9DayrosBSw+V4O4UMzCQU7nxVA=", "sha256": "9jzXNOeC1zQz3Hf1H9DayrosBSw+V4O4UMzCQU7nxVA=",
		"SHA-512/256": "bt+ucw6aexVMx+nFPdrL0d3fetCfqyUIFVCIUIRB6PA=",
	} {
		if got, err := zkapi.DigestIDWith(algorithm, "me", "secret"); err != nil || got != "me:"+want {
			t.Errorf("%s: %s, %v, want me:%s", algorithm, got, err, want)
		}
	}
	if got := zkapi.DigestID("me", "secret"); got != "me:016djjlksVQS5RgX3M7biBGyYwY=" {
		t.Errorf("DigestID: %s", got)
	}
	if _, err := zkapi.DigestIDWith("rot13", "me", "secret"); err == nil || !strings.Contains(err.Error(), "rot13") || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("an algorithm that there is not: %v", err)
	}
}
