package main

import (
	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
)

func devCommand(o *cli.Options) *cobra.Command {
	var d cli.Dev
	cmd := &cobra.Command{
		Use: "dev [-- COMMAND ARG...]", Short: "Run a ZooKeeper in memory to develop against", Args: cobra.ArbitraryArgs,
		Long: `Run a ZooKeeper in memory, for development and tests. It speaks ZooKeeper's
protocol, so clients in any language can use it. Nothing is kept when it ends.

With --exec a master and a worker run in the same process.

With a command behind -- it runs that command, with the servers in
RINGMASTER_SERVERS and ZK_SERVERS, and ends when the command ends, with its
exit code. The servers then have free ports, unless --listen says otherwise.`,
		Example: `  ringmaster dev
  ringmaster dev --exec 'tr a-z A-Z'
  ringmaster dev --members 3 -- python3 test.py`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.ArgsLenAtDash() != 0 && len(args) > 0 {
				return cli.Misuse("dev: %q: put -- in front of the command", args[0])
			}
			return d.Run(cmd.Context(), o, streams(cmd), args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&d.Listen, "listen", "", "`ADDRESS` of the first server; the others have the ports behind it (default 127.0.0.1:2181)")
	f.IntVar(&d.Members, "members", 1, "how many servers the ensemble has")
	f.BoolVar(&d.Group, "master", false, "run a master in this process, too")
	registerWorker(f, &d.Role)
	return cmd
}
