package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// TestLines_GoOnAfterALongOne: a line that is too long is told, and the lines after it count.
func TestLines_GoOnAfterALongOne(t *testing.T) {
	const longest = 10_000 // more than a buffer
	full := strings.Repeat("x", longest)
	for text, want := range map[string]string{
		"a\n\r\nb":                  "1:1 2:0 3:1 ",
		full + "\n" + full:          "1:10000 2:10000 ",
		full + "\r\nb\n":            "1:10000 2:1 ",
		full + "y\nb\n":             "1:long 2:1 ",
		full + "yz\r\nb":            "1:long 2:1 ",
		full + full + full:          "1:long ",
		"a\n" + full + full + "\nb": "1:1 2:long 3:1 ",
		"":                          "",
	} {
		lines, got := readLines(t.Context(), iotest.HalfReader(strings.NewReader(text)), longest), ""
		for l := range lines.all {
			size := fmt.Sprint(len(l.text))
			if l.long {
				size = "long"
			}
			got += fmt.Sprintf("%d:%s ", l.number, size)
		}
		if got != want || lines.err != nil {
			t.Errorf("%.5q...: %q, %v, want %q", text, got, lines.err, want)
		}
	}
	broken := errors.New("broken")
	lines := readLines(t.Context(), iotest.ErrReader(broken), longest)
	for l := range lines.all {
		t.Errorf("%+v", l)
	}
	if !errors.Is(lines.err, broken) {
		t.Errorf("%v", lines.err)
	}
}

// TestLines_HaveIDs with --ids.
func TestLines_HaveIDs(t *testing.T) {
	s := Submission{IDs: true}
	for text, want := range map[string]string{"a\tx\ty": `"a" "x\ty"`, "a\t": `"a" ""`, "a": "", "\tx": "", "": ""} {
		id, payload, err := s.parse(line{text: []byte(text)})
		if got := fmt.Sprintf("%q %q", id, payload); (err == nil) != (want != "") || err == nil && got != want || err != nil && ExitCode(err) != exit.WrongUse {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
	if _, payload, err := (&Submission{}).parse(line{text: []byte("a\tx")}); err != nil || string(payload) != "a\tx" {
		t.Errorf("without --ids: %q, %v", payload, err)
	}
}
