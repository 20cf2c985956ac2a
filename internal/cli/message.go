package cli

import (
	"errors"
	"regexp"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// Message is the line that the command prints for an error. It is empty if the command has
// printed the reason before.
func Message(err error) string {
	if err == nil || errors.Is(err, errTask) || errors.Is(err, errChild) {
		return ""
	}
	text := sentence(err.Error())
	if ExitCode(err) == exit.WrongUse {
		text = withFlags(text)
	}
	return exit.Line(exit.Ringmaster, plain(text))
}

// flags are the flags by the names of the fields that they set in the library.
var flags = map[string]string{
	"Access": "--access", "Bound": "--bound", "Capacity": "--capacity", "Concurrency": "--concurrency", "EpochAtLeast": "--epoch-at-least",
	"FormatAtMost": "--format-at-most", "HeartbeatTimeout": "--heartbeat-timeout", "Key": "--key", "LockPath": "--lock-path", "MaxAttempts": "--max-attempts",
	"MaxBacklog": "--max-backlog", "MaxHandovers": "--max-handovers", "MaxRequest": "--max-request", "MaxTakes": "--max-takes", "NotBefore": "--not-before",
	"Resident": "--resident", "Retention": "--retention", "TasksPerWorker": "--tasks-per-worker", "Timeout": "--timeout",
}

var (
	ofLibrary = regexp.MustCompile(`(^|: )(recipe|election|queue|zkclient|zkapi): `)
	ofConfig  = regexp.MustCompile(`\b(Config\.)([A-Z])`)
	words     = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[A-Za-z]+`) // a quoted text is one word
)

// withFlags puts flags in the place of the library's names, which the person who has typed
// the command does not know.
func withFlags(text string) string {
	text = ofConfig.ReplaceAllString(ofLibrary.ReplaceAllString(text, "$1"), "$2")
	return words.ReplaceAllStringFunc(text, func(word string) string {
		if flag := flags[word]; flag != "" {
			return flag
		}
		return word
	})
}
