package torture

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/bench"
)

func benchCommand() *cobra.Command {
	config := bench.Config{TickTime: 500 * time.Millisecond}
	var about []string
	for _, s := range bench.Suites() {
		about = append(about, fmt.Sprintf("  %-10s %s", s.Name, s.About))
	}
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure the recipe on real servers, compared with plain requests in the same run", Args: cobra.NoArgs,
		Long: "Measure the recipe on real servers. Each figure stands beside a baseline of the same run.\n\nSuites:\n" + strings.Join(about, "\n"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkServers(config.Servers); err != nil {
				return err
			}
			if config.Tasks < 1 || config.Workers < 1 {
				return exit.Misuse("--tasks %d --workers %d: use at least 1 of each", config.Tasks, config.Workers)
			}
			if err := bench.Check(config.Suites); err != nil {
				return exit.Misuse("--suite: %v", err)
			}
			return bench.Run(cmd.Context(), config, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringSliceVar(&config.Suites, "suite", []string{"drain"}, "what to measure, separated by commas")
	cmd.Flags().IntVar(&config.Servers, "servers", 3, "number of ZooKeeper servers: 1, 3 or 5")
	cmd.Flags().IntVar(&config.Tasks, "tasks", 20000, "number of tasks: in the backlog, handed in, or resident")
	cmd.Flags().IntVar(&config.Workers, "workers", 4, "number of workers")
	cmd.Flags().StringVar(&config.Image, "image", "", "ZooKeeper image")
	return cmd
}
