// Package signals says what the signals to stop mean: the same for all commands of this
// module. It must not know what a command does, only what is left to do before it ends.
package signals
