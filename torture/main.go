package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/harness"
	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/internal/tlc"
	"github.com/ringmaster-zk/ringmaster/internal/usage"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// verdictError carries a verdict that is not valid to the exit code.
type verdictError struct{ verdict checker.Verdict }

func (e verdictError) Error() string { return "verdict: " + string(e.verdict) }

// codeError is an exit code whose message has been printed already.
type codeError exit.Code

func (e codeError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// Main runs the command torture on the arguments of the process, and ends the process.
// The first subject is the default of --recipe; there must be one. Main refuses subjects
// that are not valid, or two of one name.
func Main(subjects ...subject.Subject) {
	ctx, stop := context.WithCancelCause(context.Background())
	if !started(os.Args[1:]) {
		ctx, stop = untilSignal()
	}
	defer stop(nil)
	printed := &output{to: os.Stdout, unread: stop}
	err := recipes(subjects).validate()
	if err == nil {
		err = valueless(os.Args[1:])
	}
	if err == nil {
		root := recipes(subjects).root()
		root.SetOut(printed)
		err = root.ExecuteContext(ctx)
	}
	if ctx.Err() != nil {
		err = exit.With(exit.Interrupted, err)
	}
	if err == nil {
		err = printed.failure()
	}
	if !said(err) {
		fmt.Fprintln(os.Stderr, exit.Line(exit.By(program()), err.Error()))
	}
	os.Exit(int(exitCode(err)))
}

// program is the name of this command, which another module chooses for its own.
func program() string { return filepath.Base(os.Args[0]) }

// said reports whether the end of a command needs no further message.
func said(err error) bool {
	_, judged := errors.AsType[verdictError](err)
	_, known := errors.AsType[codeError](err)
	return err == nil || judged || known
}

// exitCode is the exit code of the command after an error. If a verdict was reached, it
// decides, whatever came after it.
func exitCode(err error) exit.Code {
	verdict, judged := errors.AsType[verdictError](err)
	own, known := errors.AsType[codeError](err)
	switch {
	case err == nil:
		return exit.Done
	case judged:
		return verdict.verdict.ExitCode()
	case known:
		return exit.Code(own)
	case exit.Given(err, exit.WrongUse):
		return exit.WrongUse
	case exit.Given(err, exit.Interrupted):
		return exit.Interrupted
	case errors.Is(err, tlc.ErrNone):
		return exit.NoTLC
	}
	return exit.NotCarriedOut
}

// recipes are the subjects of the command.
type recipes []subject.Subject

func (all recipes) root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   program(),
		Short: "Test ZooKeeper recipes under faults, on a real ensemble",
		Long: "Test ZooKeeper recipes under faults, on a real ensemble.\n\nRecipes: " + strings.Join(all.names(), ", ") + ".\n\n" +
			exit.Help(exit.Torture),
	}
	cmd.AddCommand(all.runCommand(), all.soakCommand(), leaving(mergeCommand()), all.checkCommand(), all.replayCommand(), all.shrinkCommand(), imageCommand(), all.faultsCommand(), profilesCommand(), ensembleCommand(), exploreCommand(all), all.participantCommand(), all.simulateCommand())
	if slices.Contains(all.names(), formerly) { // they are about this recipe, and about the sources of Ringmaster
		cmd.AddCommand(mutantsCommand(), benchCommand(), benchRoleCommand(), all.traceCommand(), specCommand())
	}
	for _, c := range cmd.Commands() {
		own(c)
	}
	usage.Mark(cmd)
	return cmd
}

// own puts the name of the program into the help of a command.
func own(c *cobra.Command) {
	named := strings.NewReplacer("torture ", program()+" ")
	c.Long, c.Example = named.Replace(c.Long), named.Replace(c.Example)
	c.Flags().VisitAll(func(f *pflag.Flag) { f.Usage = named.Replace(f.Usage) })
}

// simulateCommand is started by the harness for a run in memory; it is not for people.
func (all recipes) simulateCommand() *cobra.Command {
	var encoded, owner, dir string
	cmd := &cobra.Command{
		Use: "simulate", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var config harness.Config
			if err := json.Unmarshal([]byte(encoded), &config); err != nil {
				return fmt.Errorf("simulate: %w", err)
			}
			s, err := all.ofRun(config.Recipe)
			if err != nil {
				return err
			}
			harness.Simulate(harness.Setup{Config: config, Subject: s}, dir) // ends the process
			return nil
		},
	}
	cmd.Flags().StringVar(&encoded, "config", "", "")
	cmd.Flags().StringVar(&dir, "dir", "", "")
	cmd.Flags().StringVar(&owner, "owner", "", "")
	return cmd
}

// participantCommand is started by the harness; it is not for people.
func (all recipes) participantCommand() *cobra.Command {
	var encoded, owner string
	cmd := &cobra.Command{
		Use: "participant", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			config, err := participant.Decode(encoded)
			if err != nil {
				return err
			}
			s, err := all.ofRun(config.Recipe)
			if err != nil {
				return err
			}
			// The harness decides when a participant ends, so ctx must not carry the signals
			// that end the harness.
			return participant.Run(context.Background(), s.Workload, config, os.Stdin)
		},
	}
	cmd.Flags().StringVar(&encoded, "config", "", "")
	cmd.Flags().StringVar(&owner, "owner", "", "")
	return cmd
}
