// Package usage makes what cobra refuses wrong use, with its exit code.
package usage

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// Mark gives the errors of a command, and of those below it, about options, arguments
// and names of commands the code of wrong use. It is called when all commands are there.
func Mark(root *cobra.Command) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return exit.Misuse("%s: %w; see %s --help", c.CommandPath(), err, c.CommandPath())
	})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.Args = func(_ *cobra.Command, args []string) error {
				_, rest, err := root.Find(args)
				if err == nil && len(rest) > 0 {
					err = fmt.Errorf("unknown command %q", strings.Join(args, " "))
				}
				return err
			}
		}
	}
	markArguments(root)
}

// markArguments gives a command that only has others below it something to do, or cobra
// would not look at its arguments.
func markArguments(c *cobra.Command) {
	if !c.Runnable() {
		c.Args = cobra.NoArgs
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return exit.Misuse("%s: %w; see %s --help", c.CommandPath(), err, c.CommandPath())
			}
			return nil
		}
	}
	for _, below := range c.Commands() {
		markArguments(below)
	}
}
