package serve_test

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
)

// TestServe_TextsAsInJava: a sync answers with its path, which shows how a real server reads
// and writes strings.
func TestServe_TextsAsInJava(t *testing.T) {
	_, c := alone(t)
	for sent, want := range map[string]string{
		"":            "",
		"/\u00fc":     "/\u00fc",
		"/\xff":       "/\ufffd",
		"/\uffff":     "/\uffff",
		"/\U0001f600": "/\xed\xa0\xbd\xed\xb8\x80",
	} {
		if _, d := c.call(1, 9, func(to *jute.Encoder) { to.String(sent) }); d.String() != want {
			t.Errorf("%q comes back as another text than %q", sent, want)
		}
	}
	if _, d := c.call(2, 9, func(to *jute.Encoder) { to.Buffer(nil) }); d.Buffer() != nil || d.Bad {
		t.Error("no text comes back as one")
	}
}
