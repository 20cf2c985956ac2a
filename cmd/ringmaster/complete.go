package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
)

// complete tells shells which words may follow. The names of tasks, workers,
// elections, locks and queues come from the servers.
func complete(root *cobra.Command, o *cli.Options) {
	for _, one := range []struct {
		words  []string
		single bool
		names  func(context.Context, *cli.Options, []string, string) []string
	}{
		{[]string{"cancel"}, false, cli.CompleteTasks}, {[]string{"collect"}, false, cli.CompleteTasks},
		{[]string{"tasks", "show"}, true, cli.CompleteTasks}, {[]string{"explain"}, true, cli.CompleteSubjects},
		{[]string{"lock"}, true, cli.CompleteLocks}, {[]string{"locks"}, true, cli.CompleteLocks},
		{[]string{"queue", "put"}, true, cli.CompleteQueues}, {[]string{"queue", "take"}, true, cli.CompleteQueues},
		{[]string{"queue", "ls"}, true, cli.CompleteQueues}, {[]string{"queue", "requeue"}, true, cli.CompleteQueues},
		{[]string{"store", "put"}, true, cli.CompleteStores}, {[]string{"store", "get"}, true, cli.CompleteStores}, {[]string{"store", "ls"}, true, cli.CompleteStores},
		{[]string{"store", "export"}, true, cli.CompleteStores}, {[]string{"store", "import"}, true, cli.CompleteStores},
		{[]string{"counter"}, true, cli.CompleteCounters}, {[]string{"barrier"}, true, cli.CompleteBarriers},
		{[]string{"lead"}, true, cli.CompleteElections}, {[]string{"leader"}, true, cli.CompleteElections},
		{[]string{"standby"}, true, cli.CompleteGroups}, {[]string{"failover"}, true, cli.CompleteGroups},
	} {
		cmd, _, _ := root.Find(one.words)
		cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if one.single && len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return one.names(cmd.Context(), o, args, begun), cobra.ShellCompDirectiveNoFileComp
		}
	}
	values := map[string][]string{
		"state": cli.States, "strategy": cli.Strategies, "layout": cli.Layouts, "unreturned": {"wait", "abandon:", "end:"},
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
