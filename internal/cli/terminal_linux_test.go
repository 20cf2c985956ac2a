package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a pseudo terminal.
func openTerminal(t *testing.T) (keyboard, screen *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("skipped", t.Name()+": there are no pseudo terminals here:", err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	return keyboard, screen
}

// TestWrite_IsSafeOnATerminal prints a result on a terminal, where a person reads it.
func TestWrite_IsSafeOnATerminal(t *testing.T) {
	keyboard, screen := openTerminal(t)
	if err := write(screen, []byte(evil+"\xff\n")); err != nil {
		t.Fatal(err)
	}
	shown := make([]byte, 1000)
	n, err := keyboard.Read(shown)
	text := strings.ReplaceAll(string(shown[:n]), "\r\n", "\n") // as a terminal ends lines
	if want := `\x1b[2J\x1b]0;t\x07a b\u202ec\u009b31m\x7f` + "\nMASTER  m9\\xff\n"; err != nil || text != want {
		t.Errorf("%v, %q, want %q", err, text, want)
	}
}

// TestWrite_EndsTheLineOnATerminal: the prompt must not stick to a result without a newline.
func TestWrite_EndsTheLineOnATerminal(t *testing.T) {
	keyboard, screen := openTerminal(t)
	for _, result := range []string{"HELLO", "HELLO\n"} {
		if err := write(screen, []byte(result)); err != nil {
			t.Fatal(err)
		}
		shown := make([]byte, 100)
		if n, err := keyboard.Read(shown); err != nil || string(shown[:n]) != "HELLO\r\n" {
			t.Errorf("%v, %q shows as %q", err, result, shown[:n])
		}
	}
}

// TestSubmit_SaysThatItReadsATerminal: a person who forgets the payload is told what the
// command waits for. A command without a person, or with its payload, does not say so.
func TestSubmit_SaysThatItReadsATerminal(t *testing.T) {
	_, screen := openTerminal(t)
	nowhere, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer nowhere.Close()
	for _, c := range []struct {
		in   io.Reader
		args []string
		want bool
	}{
		{screen, nil, true}, {screen, []string{"-"}, true}, {screen, []string{"hello"}, false}, {nowhere, nil, false}, {strings.NewReader("x"), nil, false},
	} {
		var says bytes.Buffer
		o := &Options{Servers: []string{"zk1:x"}, SessionTimeout: time.Second, LogLevel: "info"} // nothing is sent
		if err := (&Submission{}).Run(t.Context(), o, Streams{In: c.in, Out: io.Discard, Err: &says}, c.args); err == nil {
			t.Error("there is no server, and no error")
		}
		if said := strings.Contains(says.String(), "Ctrl-D"); said != c.want {
			t.Errorf("%T, %q: %q, want a word on Ctrl-D: %v", c.in, c.args, says.String(), c.want)
		}
	}
}
