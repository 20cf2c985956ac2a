package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// printf prints for people. Anyone may have written the data of znodes, so it must not
// clear the screen, colour it, or look like a line of this command.
func printf(w io.Writer, format string, args ...any) {
	safe := make([]any, len(args))
	for i, arg := range args {
		switch a := arg.(type) {
		case string:
			safe[i] = plain(a)
		case []byte:
			safe[i] = plain(string(a))
		case recipe.State:
			safe[i] = plain(string(a))
		default:
			safe[i] = arg
		}
	}
	fmt.Fprintf(w, format, safe...)
}

// plain makes text one line of visible characters: white space becomes blanks, and
// characters that control a terminal or the direction of text are written out.
func plain(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	if !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case r <= unicode.MaxLatin1:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func oneLine(result, reason string) string {
	if result == "" {
		result = reason
	}
	return strings.ReplaceAll(strings.TrimSpace(result), "\n", " ")
}

func clip(text string, most int) string {
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}
