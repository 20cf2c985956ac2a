package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestWrite_IsSafeOnATerminal prints a result on a terminal, where a person reads it.
func TestWrite_IsSafeOnATerminal(t *testing.T) {
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("skipped TestWrite_IsSafeOnATerminal: there are no pseudo terminals here:", err)
	}
	defer keyboard.Close()
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
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
