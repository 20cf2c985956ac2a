// Package cli is what the command ringmaster does, without its flags: it connects to an
// ensemble, runs a role or a request of a client, prints, and chooses the exit code. The
// flags and the texts of --help are in cmd/ringmaster; this package must not know cobra.
package cli
