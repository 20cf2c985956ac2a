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
protocol, so clients in any language can use it. Nothing is kept when it ends,
unless --data names a directory. Then the next dev with that directory goes on:
every write that was answered is there, and sessions go on. It is one copy on
one disk, for development, not for production.

--faults makes things go wrong: expire, reset, refuse, cut, mute, deafen, lose,
delay, throttle, lag, isolate and stop. Each takes a target (a session, all,
member 2, the leader), a time (for 5s, every 30s) and a moment (after the third
create below /x). model/zk/serve/README.md has them all. For example:

  expire every 30s, lose 1% of answers
  cut a session for 8s every 1m
  delay 10% of requests by 200ms, throttle to 10kB/s

--tls-cert and --tls-key let the servers speak TLS, and only TLS. With --tls-ca
their clients must show a certificate that this authority has signed.

With --read-only-mode a server that has lost the others answers reads of
clients that take a read-only server, as ZooKeeper's readonlymode.enabled does.

With --exec a master and a worker run in the same process.

With a command behind -- it runs that command, with the servers in
RINGMASTER_SERVERS and ZK_SERVERS, and ends when the command ends, with its
exit code. The servers then have free ports, unless --listen says otherwise.`,
		Example: `  ringmaster dev
  ringmaster dev --exec 'tr a-z A-Z'
  ringmaster dev --data ~/.ringmaster-dev
  ringmaster dev --members 3 --faults 'stop the leader for 5s every 20s'
  ringmaster dev --members 3 --read-only-mode --faults 'isolate member 1'
  ringmaster dev --tls-cert server.pem --tls-key server-key.pem
  ringmaster dev --faults 'lose 1% of answers' --seed 7 -- python3 test.py`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkDev(cmd, &d, args); err != nil {
				return err
			}
			return d.Run(cmd.Context(), o, streams(cmd), args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&d.Listen, "listen", "", "`ADDRESS` of the first server; the others have the ports behind it (default 127.0.0.1:2181)")
	f.IntVar(&d.Members, "members", 1, "how many servers the ensemble has")
	f.IntVar(&d.Observers, "observers", 0, "how many servers it has besides, which do not vote")
	f.StringVar(&d.Faults, "faults", "", "`FAULTS` that go on while it runs, with commas between them, such as 'expire every 30s, lose 1% of answers'")
	f.Uint64Var(&d.Seed, "seed", 0, "`SEED` of what the faults choose at random; the log has it (default any)")
	f.BoolVar(&d.ReadOnlyMode, "read-only-mode", false, "servers without a leader serve read-only clients")
	f.StringVar(&d.TLSCert, "tls-cert", "", "PEM `FILE` of the servers' certificate; turns TLS on, with --tls-key")
	f.StringVar(&d.TLSKey, "tls-key", "", "PEM `FILE` of the key of --tls-cert")
	f.StringVar(&d.TLSCA, "tls-ca", "", "PEM `FILE` of the authority that signed the clients' certificates, which they must show")
	f.StringVar(&d.Data, "data", "", "`DIR` that keeps znodes and sessions over restarts, for development (default: nothing is kept)")
	f.BoolVar(&d.Group, "master", false, "run a master in this process, too")
	registerWorker(f, &d.Role)
	return cmd
}

// checkDev refuses what the flags alone show to be wrong.
func checkDev(cmd *cobra.Command, d *cli.Dev, args []string) error {
	switch dash := cmd.ArgsLenAtDash(); {
	case dash != 0 && len(args) > 0:
		return cli.Misuse("dev: %q: put -- in front of the command", args[0])
	case dash == 0 && len(args) == 0:
		return cli.Misuse("dev: the command behind -- is missing")
	case cmd.Flags().Changed("servers"):
		return cli.Misuse("dev: --servers: it serves by itself; choose its address with --listen")
	}
	for _, name := range []string{"concurrency", "capacity", "drain", "unreturned"} {
		if cmd.Flags().Changed(name) && d.Role.Command == "" {
			return cli.Misuse("dev: --%s is of a worker: give --exec, too", name)
		}
	}
	for _, name := range []string{"namespace", "access", "auth-file", "session-timeout", "connect-timeout", "max-request", "max-writes", "max-write-rate"} {
		if cmd.Flags().Changed(name) && d.Role.Command == "" && !d.Group {
			return cli.Misuse("dev: --%s is of a master and a worker: give --exec or --master, too", name)
		}
	}
	return nil
}
