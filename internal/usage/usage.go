// Package usage gives errors of cobra about wrong use their exit code.
package usage

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// width is the width of the list of options in columns. A line may be slop columns longer,
// so that the list fits into a terminal of 80 columns.
const (
	width = 80 - slop
	slop  = 5 // of pflag
)

// Mark gives the code of wrong use to the errors of a command, and of its subcommands,
// about options, arguments and names of commands. It must be called when all commands
// exist.
func Mark(root *cobra.Command) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages ", fmt.Sprintf("Flags.FlagUsagesWrapped %d ", width)))
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return exit.Misuse("%s: %w; see %s --help", c.CommandPath(), plain(err), c.CommandPath())
	})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Example = completionExample(root.Name())
		}
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

// completionExample shows how to switch completion on.
func completionExample(name string) string {
	return strings.ReplaceAll(`  source <(NAME completion bash)
  NAME completion zsh > "${fpath[1]}/_NAME"
  NAME completion fish > ~/.config/fish/completions/NAME.fish`, "NAME", name)
}

// values says for each type of pflag how to write an option's value.
var values = map[string]string{
	"int": "a whole number", "int32": "a whole number", "int64": "a whole number", "uint64": "a whole number, not negative",
	"float64": "a number", "bool": "true or false", "duration": "a time such as 500ms, 30s or 1h30m",
	"stringToString": "NAME=VALUE,...", "stringSlice": "values with commas between them",
}

// plain says how to write an option's value if it cannot be read, without the name of
// the function that failed.
func plain(err error) error {
	invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	option := invalid.GetFlag()
	want, known := values[option.Value.Type()]
	switch cause := invalid.Unwrap(); {
	case errors.Is(cause, strconv.ErrRange):
		return fmt.Errorf("--%s %q: the number is too large", option.Name, invalid.GetValue())
	case !known && cause != nil:
		return fmt.Errorf("--%s %q: %w", option.Name, invalid.GetValue(), cause)
	case !known:
		return err
	}
	return fmt.Errorf("--%s %q: give %s", option.Name, invalid.GetValue(), want)
}

// notEmpty reports an option that was given without a value: in a script it is mostly that of
// a variable that is not set, and the command would do something else than was meant.
func notEmpty(c *cobra.Command) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		list, several := f.Value.(pflag.SliceValue)
		if err == nil && (several && len(list.GetSlice()) == 0 || !several && f.Value.String() == "") {
			err = fmt.Errorf("--%s is empty: give a value, or leave the option out", f.Name)
		}
	})
	return err
}

// markArguments gives a command that only has subcommands an action, because cobra
// would not check its arguments otherwise.
func markArguments(c *cobra.Command) {
	if !c.Runnable() {
		c.Args = cobra.NoArgs
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := notEmpty(c)
			if err == nil {
				err = check(c, args)
			}
			if _, takes, some := strings.Cut(c.Use, " "); some && err != nil && strings.Contains(err.Error(), "arg(s)") { // in the words of cobra
				err = fmt.Errorf("give %s; the number of arguments was %d", takes, len(args))
			}
			if err != nil {
				what := strings.ReplaceAll(err.Error(), fmt.Sprintf(" for %q", c.CommandPath()), "")
				return exit.Misuse("%s: %s; see %s --help", c.CommandPath(), what, c.CommandPath())
			}
			return nil
		}
	}
	for _, below := range c.Commands() {
		markArguments(below)
	}
}
