package torture

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/bench"
)

func benchCommand() *cobra.Command {
	config := bench.Config{TickTime: 500 * time.Millisecond}
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure how fast tasks are done, compared with plain writes", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkServers(config.Servers); err != nil {
				return err
			}
			if config.Tasks < 1 || config.Workers < 1 {
				return exit.Misuse("--tasks %d --workers %d: use at least 1 of each", config.Tasks, config.Workers)
			}
			return bench.Run(cmd.Context(), config, cmd.OutOrStdout())
		},
	}
	cmd.Flags().IntVar(&config.Servers, "servers", 3, "number of ZooKeeper servers: 1, 3 or 5")
	cmd.Flags().IntVar(&config.Tasks, "tasks", 20000, "number of tasks in the backlog")
	cmd.Flags().IntVar(&config.Workers, "workers", 4, "number of workers")
	cmd.Flags().StringVar(&config.Image, "image", "", "ZooKeeper image")
	return cmd
}
