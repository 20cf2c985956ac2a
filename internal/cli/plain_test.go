package cli

import "testing"

func TestPlain_EscapesControlCharacters(t *testing.T) {
	for text, want := range map[string]string{
		"host:1 ü 日本 😀":               "host:1 ü 日本 😀",
		"a\r\nMASTER m9\tx":           "a  MASTER m9 x",
		"\x1b[2J\x07\u009b31m\u202eb": `\x1b[2J\x07\x9b31m\u202eb`,
		"\xff\xfe":                    "\ufffd",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
