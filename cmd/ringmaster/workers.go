package main

import (
	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
)

func workersCommand(o *cli.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "workers", Short: "Remove the names of workers that do not come back", Args: cobra.NoArgs,
		Example: "  ringmaster workers prune",
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(pruneCommand(o))
	return cmd
}

func pruneCommand(o *cli.Options) *cobra.Command {
	var p cli.Pruning
	cmd := &cobra.Command{
		Use: "prune [NAME...]", Short: "Remove the names of workers that do not come back",
		Long: `Remove the names of workers that do not come back: all that are not alive, or
those that you name. Their assignment lists stay otherwise, a few bytes each.

A name is kept, and standard error says why, if its worker is alive, if
assignments are left in its list (a master takes them first), or if its list
has a version above 199. A name that was removed can be used again.

With --access, use the identity of a master.`,
		Example: `  ringmaster workers prune
  ringmaster workers prune --unused-for 10m
  ringmaster workers prune w7 w8`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.Run(cmd.Context(), o, streams(cmd), args) },
	}
	cmd.Flags().DurationVar(&p.UnusedFor, "unused-for", 0, "watch the names so long first, and keep those that are used meanwhile")
	cmd.Flags().BoolVar(&p.JSON, "json", false, "print JSON, one object in a line")
	return cmd
}
