package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
)

func storeCommand(o *cli.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "store", Short: "Read, write, export and import the records of a state store",
		Long: `Read, write, export and import the records of a state store, in which an active
process keeps what the next one needs (package store).

The store is the znode /stores/NAME. A NAME that begins with / is the path of
the znode. A KEY is the name of a type and one or more ids, such as
apps/application_1 or apps/application_1/attempt_1.`,
		Example: `  ringmaster store ls scheduler
  ringmaster store get scheduler apps/application_1
  ringmaster store export scheduler > backup
  ringmaster store import other < backup`,
	}
	cmd.AddCommand(storePutCommand(o), storeGetCommand(o), storeLsCommand(o), storeExportCommand(o), storeImportCommand(o))
	return cmd
}

// yarnFlag adds what all commands of store have.
func yarnFlag(f *pflag.FlagSet, s *cli.Store) {
	f.BoolVar(&s.YARN, "yarn", false, "the znodes have the names of Hadoop's /rmstore, such as RMVersionNode")
}

// activeFlag adds what the commands have that write.
func activeFlag(f *pflag.FlagSet, s *cli.Store) {
	f.BoolVar(&s.AsActive, "as-active", false, "take the store from the process that has opened it last, which writes no more")
}

func storePutCommand(o *cli.Options) *cobra.Command {
	var p cli.StorePut
	cmd := &cobra.Command{
		Use: "put NAME KEY [VALUE]", Short: "Write a record of a store", Args: cobra.RangeArgs(2, 3),
		Long: `Write a record of a store, and print its version. Without a VALUE, or with -, it
is read from standard input. A store that does not exist is made, with the type
of the KEY.

The command becomes the active process of the store for a moment: it takes the
lock of the store, and raises the epoch. So the process that had the store
before writes no more. It is refused with exit code 10 if another program than
this has opened the store last: stop that program, and give --as-active.`,
		Example: `  ringmaster store put scheduler apps/application_1 accepted
  ringmaster store put scheduler apps/application_1 --if-version 3 < state
  ringmaster store put scheduler apps/application_2 new --if-version=-1`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.Version < -2 {
				return cli.Misuse("store put: --if-version %d: give a version, or -1 for a record that does not exist", p.Version)
			}
			return p.Run(cmd.Context(), o, streams(cmd), args[0], args[1], args[2:])
		},
	}
	cmd.Flags().IntVar(&p.Version, "if-version", -2, "write only if the record has this version; -1: if there is none (default: in any case)")
	cmd.Flags().Lookup("if-version").DefValue = "0"
	yarnFlag(cmd.Flags(), &p.Store)
	activeFlag(cmd.Flags(), &p.Store)
	return cmd
}

func storeGetCommand(o *cli.Options) *cobra.Command {
	var g cli.StoreGet
	cmd := &cobra.Command{
		Use: "get NAME KEY", Short: "Print the value of a record", Args: cobra.ExactArgs(2),
		Long: `Print the value of a record as it is. With --json the version, the size and the
SHA-256 are there, too. Exit code 8: there is no such record.`,
		Example: `  ringmaster store get scheduler apps/application_1
  ringmaster store get scheduler apps/application_1 --json | jq .version`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.Run(cmd.Context(), o, streams(cmd), args[0], args[1])
		},
	}
	cmd.Flags().BoolVar(&g.JSON, "json", false, "print JSON")
	yarnFlag(cmd.Flags(), &g.Store)
	return cmd
}

func storeLsCommand(o *cli.Options) *cobra.Command {
	var l cli.StoreList
	cmd := &cobra.Command{
		Use: "ls NAME [TYPE...]", Short: "List the records of a store", Args: cobra.MinimumNArgs(1),
		Long: `List the records of a store, of all types or of some, with versions and sizes;
and the epoch, with the name of the process that has raised it.`,
		Example: `  ringmaster store ls scheduler
  ringmaster store ls /rmstore/ZKRMStateRoot apps --yarn --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return l.Run(cmd.Context(), o, streams(cmd), args[0], args[1:])
		},
	}
	cmd.Flags().BoolVar(&l.JSON, "json", false, "print JSON, one object in a line")
	yarnFlag(cmd.Flags(), &l.Store)
	return cmd
}

func storeExportCommand(o *cli.Options) *cobra.Command {
	var e cli.StoreExport
	cmd := &cobra.Command{
		Use: "export NAME", Short: "Print all records of a store", Args: cobra.ExactArgs(1),
		Long: `Print all records of a store as lines of JSON. Each record has its SHA-256, and
the last line has the number of records and the SHA-256 of all lines before.

If the store is written meanwhile, the export may have records of different
moments: stop the active process for an export of one moment.`,
		Example: `  ringmaster store export scheduler > backup
  ringmaster store export scheduler | jq -r 'select(.key) | .key'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.Run(cmd.Context(), o, streams(cmd), args[0])
		},
	}
	yarnFlag(cmd.Flags(), &e.Store)
	return cmd
}

func storeImportCommand(o *cli.Options) *cobra.Command {
	var i cli.StoreImport
	cmd := &cobra.Command{
		Use: "import NAME", Short: "Write the records of an export into a store", Args: cobra.ExactArgs(1),
		Long: `Write the records of an export, which is read from standard input, into a store.
The export is read and checked whole before anything is written: one that is cut
off or damaged, or of a newer format, is refused with exit code 3. A store that
does not exist is made, with the types of the export. One that has records is
refused with exit code 10, unless --merge is given. Versions begin at 0.

If the command fails in the middle, it says which records are written: run it
again with --merge. It takes the store as store put does.`,
		Example: `  ringmaster store import scheduler < backup
  ringmaster store import scheduler --merge --as-active < backup`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return i.Run(cmd.Context(), o, streams(cmd), args[0])
		},
	}
	cmd.Flags().BoolVar(&i.Merge, "merge", false, "write into a store that has records, and replace those with the same key")
	yarnFlag(cmd.Flags(), &i.Store)
	activeFlag(cmd.Flags(), &i.Store)
	return cmd
}
