package torture

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// checkServers refuses ensembles that ensemble.Start does not make.
func checkServers(n int) error {
	if !slices.Contains([]int{1, 3, 5}, n) {
		return exit.Misuse("--servers %d: use 1, 3 or 5", n)
	}
	return nil
}

// ensembleCommand starts servers for manual use.
func ensembleCommand() *cobra.Command {
	servers, given := 1, ""
	cmd := &cobra.Command{
		Use: "ensemble", Short: "Run ZooKeeper servers in containers until Ctrl-C", Args: cobra.NoArgs,
		Long: "Run ZooKeeper servers in containers until Ctrl-C, to try a recipe on. Ctrl-C\n" +
			"removes their data, too.",
		Example: "  torture ensemble --servers 3",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkServers(servers); err != nil {
				return err
			}
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			if _, err := ensemble.RemoveLeftovers(ctx); err != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "warning: what an earlier run left behind could not be removed: %v\n", err)
			}
			image, err := ensemble.FindImage(ctx, given, out)
			if err != nil {
				return err
			}
			e, err := ensemble.Start(ctx, ensemble.Config{Servers: servers, TickTime: 2 * time.Second, Image: image, Run: fmt.Sprintf("ensemble-%d", os.Getpid())})
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "export RINGMASTER_SERVERS=%s\n\nCtrl-C ends the servers and removes their data.\n", strings.Join(e.Addresses(), ","))
			<-ctx.Done()
			stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			return e.Stop(stopping)
		},
	}
	cmd.Flags().IntVar(&servers, "servers", servers, "number of servers: 1, 3 or 5")
	cmd.Flags().StringVar(&given, "image", "", "ZooKeeper image (default: $ZOOKEEPER_IMAGE; if that is not set, torture builds one)")
	return cmd
}
