package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// columns is the width of a terminal.
const columns = 80

// helpOf is what --help prints for a command.
func helpOf(t *testing.T, args ...string) string {
	t.Helper()
	root := rootCommand()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs(append(args, "--help"))
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestHelp_FitsIntoATerminal looks at every command but cobra's own.
func TestHelp_FitsIntoATerminal(t *testing.T) {
	t.Setenv("RINGMASTER_SERVERS", "")
	seen := 0
	var look func(c *cobra.Command, args ...string)
	look = func(c *cobra.Command, args ...string) {
		if c.Name() == "completion" || c.Name() == "help" {
			return
		}
		seen++
		for line := range strings.Lines(helpOf(t, args...)) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > columns {
				t.Errorf("%q: %d columns: %s", args, n, line)
			}
		}
		for _, below := range c.Commands() {
			look(below, append(args[:len(args):len(args)], below.Name())...)
		}
	}
	look(rootCommand())
	if seen < 12 {
		t.Errorf("%d commands were looked at", seen)
	}
}

// TestHelp_HasAnExampleForEachCommand holds for each command that has arguments or options
// of its own.
func TestHelp_HasAnExampleForEachCommand(t *testing.T) {
	for _, c := range rootCommand().Commands() {
		if c.Name() != "help" && c.Example == "" {
			t.Errorf("%s has no example", c.CommandPath())
		}
	}
}
