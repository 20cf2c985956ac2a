package main

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// registerOptions registers the options of every command. A word in backquotes is the name
// of the value in --help.
func registerOptions(f *pflag.FlagSet, o *cli.Options) {
	servers := cmp.Or(os.Getenv("RINGMASTER_SERVERS"), "localhost:2181")
	f.StringSliceVar(&o.Servers, "servers", strings.Split(servers, ","), "ZooKeeper servers, as `HOST:PORT,...`; the port is 2181 if it is missing; a path after the last server is the namespace, such as zk1,zk2/billing (RINGMASTER_SERVERS)")
	f.StringVar(&o.Namespace, "namespace", os.Getenv("RINGMASTER_NAMESPACE"), "`PATH` in front of every znode, such as /billing; / for none (RINGMASTER_NAMESPACE)")
	f.DurationVar(&o.SessionTimeout, "session-timeout", 10*time.Second, "session timeout to ask the servers for, from 100ms to 24h; they may grant another")
	f.DurationVar(&o.ConnectTimeout, "connect-timeout", 30*time.Second, "how long a client command waits for an answer, or for its first session if it goes on; 0: for ever")
	f.IntVar(&o.Bulk.Operations, "max-writes", 0, "bound of the `OPERATIONS` that a role writes in bulk at once (default 2400); it takes less while the servers answer slowly, and one larger write goes alone")
	f.IntVar(&o.Bulk.PerSecond, "max-write-rate", 0, "bound of the `OPERATIONS` that a role writes in bulk in a second, at least 100; 0 for none")
	f.IntVar(&o.MaxRequest, "max-request", zkclient.DefaultMaxRequest, "size in `BYTES` of the largest request that the servers accept (their jute.maxbuffer)")
	f.StringVar(&o.AuthFile, "auth-file", os.Getenv("RINGMASTER_AUTH_FILE"), "`FILE` with user:password for digest authentication (RINGMASTER_AUTH_FILE)")
	f.StringToStringVar(&o.Access, "access", nil, "identities that may play the roles, as `ROLE=ID,...` for master, worker and client (see ringmaster identity); give the same to every process, and --auth-file")
	f.StringVar(&o.TLSCA, "tls-ca", "", "PEM `FILE` of the authority that signed the servers' certificates; turns TLS on")
	f.StringVar(&o.TLSCert, "tls-cert", "", "PEM `FILE` of the client's certificate; with --tls-ca and --tls-key")
	f.StringVar(&o.TLSKey, "tls-key", "", "PEM `FILE` of the key of --tls-cert")
	f.StringVar(&o.LogLevel, "log-level", "info", "lowest `LEVEL` of log lines: debug, info, warn or error; the log goes to standard error")
	f.BoolVar(&o.LogJSON, "log-json", false, "write the log as JSON")
}

func identityCommand(o *cli.Options) *cobra.Command {
	var algorithm string
	cmd := &cobra.Command{
		Use: "identity", Short: "Print the identity of the user in --auth-file, for --access", Args: cobra.NoArgs,
		Long: "Print the identity of the user in --auth-file. The option --access takes it.",
		Example: `  ringmaster identity --auth-file worker.auth
  ringmaster identity --auth-file worker.auth --algorithm sha256
  ringmaster master --auth-file master.auth \
      --access master=ID,worker=ID,client=ID`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			id, err := o.Identity(algorithm)
			if err == nil {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), id)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&algorithm, "digest-alg", "SHA1", "the older name of --algorithm")
	_ = cmd.Flags().MarkDeprecated("digest-alg", "use --algorithm") // the flag is there
	cmd.Flags().StringVar(&algorithm, "algorithm", "SHA1", "digest `ALGORITHM` of the servers, such as sha256 (digestAlg of their DigestAuthenticationProvider)")
	return cmd
}

// nameFlag registers the name of a process that other people may look for, because it has what they
// want. role says what it does then, such as "holds the lock".
func nameFlag(f *pflag.FlagSet, name *string, role string) {
	host, _ := os.Hostname()
	f.StringVar(name, "name", fmt.Sprintf("%s:%d", host, os.Getpid()), "`NAME` of this process, for those who look who "+role)
	f.Lookup("name").DefValue = "" // it is another one each time
	f.Lookup("name").Usage += " (default: host and process)"
}
