package main

import (
	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
)

// complete tells shells which words may follow. The names of tasks and workers come from the
// servers.
func complete(root *cobra.Command, o *cli.Options) {
	for _, words := range [][]string{{"cancel"}, {"collect"}, {"tasks", "show"}, {"explain"}} {
		cmd, _, _ := root.Find(words)
		last := words[len(words)-1]
		single, names := last == "show" || last == "explain", cli.CompleteTasks
		if last == "explain" {
			names = cli.CompleteSubjects
		}
		cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if single && len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return names(cmd.Context(), o, args, begun), cobra.ShellCompDirectiveNoFileComp
		}
	}
	values := map[string][]string{
		"state": cli.States, "strategy": cli.Strategies, "unreturned": {"wait", "abandon:", "end:"},
		"log-level": {"debug", "info", "warn", "error"},
	}
	var look func(*cobra.Command)
	look = func(cmd *cobra.Command) {
		for flag, all := range values {
			if cmd.LocalFlags().Lookup(flag) != nil && (flag != "log-level" || cmd == root) {
				_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp)) // fails for an unknown flag only
			}
		}
		for _, below := range cmd.Commands() {
			look(below)
		}
	}
	look(root)
}
