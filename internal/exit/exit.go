// Package exit has the exit codes of both commands in one table. A code has the same
// meaning in both. docs/exit-codes.md is the page for people; a test compares it, and
// the units in docs/systemd, with the table.
package exit

import (
	"errors"
	"fmt"
	"strings"
)

// Code is the exit code of a process.
type Code int

// The codes. Table has their meanings.
const (
	Done          Code = 0
	Failed        Code = 1
	Crashed       Code = 2
	Refused       Code = 3
	Unreachable   Code = 4
	InDoubt       Code = 5
	WrongUse      Code = 6
	RefusedForNow Code = 7
	NotFound      Code = 8
	BacklogFull   Code = 9
	NotAsAsked    Code = 10
	Lost          Code = 11
	Invalid       Code = 20
	Unknown       Code = 21
	Vacuous       Code = 22
	NotCarriedOut Code = 23
	NoTLC         Code = 24
	Interrupted   Code = 130
)

// Restart is a service manager's reaction to a code.
type Restart string

// Never marks the codes with which no master, worker or node ends.
const (
	Yes   Restart = "yes"   // another start may succeed
	No    Restart = "no"    // another start fails in the same way, or is not wanted
	Never Restart = "never" // there is nothing to restart
)

// By is a set of commands.
type By string

// The commands.
const (
	Ringmaster By = "ringmaster"
	Torture    By = "torture"
	Both       By = "both"
)

// Meaning is one row of the table.
type Meaning struct {
	Code    Code
	Says    string
	By      By
	Restart Restart
}

// Table has every code that the commands end with, in their order.
var Table = []Meaning{
	{Done, "success; for a torture run: the verdict is valid", Both, Never},
	{Failed, "another failure, which has no code of its own", Ringmaster, Yes},
	{Crashed, "crash: a panic, or a fatal error of the Go runtime", Both, Yes},
	{Refused, "refused for good: permission, credentials, TLS, ACL, size, a newer format of the namespace or of a store, a store or an export that is damaged, or a peer that is not a ZooKeeper server", Ringmaster, No},
	{Unreachable, "no answer from the ensemble in time", Ringmaster, Yes},
	{InDoubt, "in doubt: a request may or may not have been applied", Ringmaster, Never},
	{WrongUse, "wrong use: the message names the input and the remedy", Both, No},
	{RefusedForNow, "refused for now by the ensemble: quota, read-only, overload", Ringmaster, Yes},
	{NotFound, "no such task, no such worker, no such item, no leader, no such record, no active, or no target of a failover", Ringmaster, Never},
	{BacklogFull, "the backlog is full, or the queue", Ringmaster, Never},
	{NotAsAsked, "a task is not in the wanted state: it failed or was cancelled, had ended before it was cancelled, or is not finished; a lock or a barrier was not free in time; a queue had no item in time, or the command failed for some; or a failover was not done, in time or at all; or a store has an active process, or records, or a record is another one", Ringmaster, Never},
	{Lost, "what a command needs to run was lost, such as the leadership, the lock or the item, so the command was ended", Ringmaster, Yes},
	{Invalid, "verdict invalid: a property is violated, or an answer is not as expected", Torture, Never},
	{Unknown, "verdict unknown: something could not be judged", Torture, Never},
	{Vacuous, "verdict vacuous: nothing is violated, but nothing is proved", Torture, Never},
	{NotCarriedOut, "the command could not be carried out, or its result could not be judged", Torture, Never},
	{NoTLC, "TLC was not found", Torture, Never},
	{Interrupted, "a signal ended the command before it was done", Both, No},
}

// Help lists the codes of a command for its --help.
func Help(command By) string {
	var b strings.Builder
	b.WriteString("Exit codes:")
	for _, m := range Table {
		if m.By == Both || m.By == command {
			fmt.Fprintf(&b, "\n  %3d  %s", m.Code, strings.Join(wrap(m.Says, helpWidth-margin), "\n"+strings.Repeat(" ", margin)))
		}
	}
	return b.String()
}

// helpWidth is the width of the text in columns of a terminal, and margin is the indent
// of the meanings of codes.
const (
	helpWidth = 80
	margin    = 7
)

// wrap breaks a text between words into lines of a width.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

// coded is an error that knows its code.
type coded struct {
	error
	code Code
}

func (c coded) Unwrap() error { return c.error }

// With adds a code to err; nil stays nil.
func With(code Code, err error) error {
	if err == nil {
		return nil
	}
	return coded{err, code}
}

// Is makes errors.Is find a code anywhere in an error.
func (c coded) Is(target error) bool {
	wanted, ok := target.(coded)
	return ok && wanted.error == nil && wanted.code == c.code
}

// Given reports whether an error, or an error in it, was given that code.
func Given(err error, code Code) bool { return errors.Is(err, coded{code: code}) }

// Of is the code that an error was given; the outermost counts.
func Of(err error) (code Code, given bool) {
	found, given := errors.AsType[coded](err)
	return found.code, given
}

// Misuse is an error about wrong use.
func Misuse(format string, args ...any) error { return With(WrongUse, fmt.Errorf(format, args...)) }

// Line is what a command prints for an error. Errors about wrong use begin with the command
// already.
func Line(command By, text string) string {
	if strings.HasPrefix(text, string(command)+" ") || strings.HasPrefix(text, string(command)+": ") {
		return text
	}
	return string(command) + ": " + text
}

// Crash says how a process crashed, by its exit code and its output; it is empty for a
// process that did not crash. The Go runtime prints the reason in the first line of its
// report, and the stacks of goroutines after it.
func Crash(code int, printed string) string {
	if Code(code) != Crashed {
		return ""
	}
	for line := range strings.Lines(printed) {
		line = strings.TrimSpace(line)
		for _, sign := range []string{"panic: ", "fatal error: ", "SIGQUIT: ", "SIGABRT: "} {
			if strings.HasPrefix(line, sign) {
				return "crashed: " + line
			}
		}
	}
	return fmt.Sprintf("crashed with exit code %d", code)
}
