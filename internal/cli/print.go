package cli

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// All that the command prints goes through this file. Anyone may have written the data of
// znodes, so it must not clear the screen, colour it, or look like a line of this command.

// printf prints for people and for scripts that read columns. Each argument becomes text
// that is safe for a terminal; the format stays as it is.
func printf(w io.Writer, format string, args ...any) error {
	safe := make([]any, len(args))
	for i, arg := range args {
		safe[i] = visible{arg}
	}
	_, err := fmt.Fprintf(w, format, safe...)
	return err
}

// send prints what printf and tables have put together.
func send(w io.Writer, all *strings.Builder) error {
	_, err := io.WriteString(w, all.String())
	return err
}

// visible formats a value as plain text, whatever the verb is.
type visible struct{ value any }

// Format implements fmt.Formatter.
func (v visible) Format(f fmt.State, verb rune) {
	_, _ = io.WriteString(f, plain(fmt.Sprintf(fmt.FormatString(f, verb), v.value)))
}

// plain makes text one line of visible characters: white space becomes blanks. Bytes that are
// not UTF-8, and characters that control a terminal or the direction of text, are written out.
func plain(text string) string { return escaped(text, "") }

// escaped is plain, but leaves the characters in keep as they are.
func escaped(text, keep string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case unicode.IsPrint(r) || strings.ContainsRune(keep, r):
			b.WriteRune(r)
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		text = text[size:]
	}
	return b.String()
}

// sentence joins the lines of an error's text into one.
func sentence(text string) string {
	var parts []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, line)
		}
	}
	return strings.Join(parts, "; ")
}

// oneLine is the result, or the reason if there is no result, without white space around it.
func oneLine(result, reason string) string {
	if result == "" {
		result = reason
	}
	return strings.TrimSpace(result)
}

// clip is the beginning of a text as plain text. Of a longer text it is about as many
// characters as most says.
func clip(text string, most int) string {
	if enough := utf8.UTFMax * (most + 1); len(text) > enough {
		text = text[:enough]
	}
	runes := []rune(plain(text))
	if len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return string(runes)
}

// write prints data as it is, so that another program can read it. On a terminal it is made
// safe, keeps its lines and tabs, and ends with a line, so that the prompt has one of its own.
func write(w io.Writer, data []byte) error {
	if onTerminal(w) {
		text := escaped(string(data), "\n\t")
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		data = []byte(text)
	}
	_, err := w.Write(data)
	return err
}

// onTerminal reports whether a person is at the other end of a stream.
func onTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	nowhere, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, nowhere)
}

// printJSON prints a value in one line. JSON loses nothing: its strings can hold every
// character in a form that is safe for a terminal.
func printJSON(w io.Writer, v any) error { return json.NewEncoder(jsonWriter{w}).Encode(v) }

// jsonWriter writes JSON with each character that is not visible written out. In JSON such
// characters are only inside strings, apart from white space.
type jsonWriter struct{ io.Writer }

// Write implements io.Writer. It must be given whole characters.
func (j jsonWriter) Write(p []byte) (int, error) {
	var b strings.Builder
	for _, r := range string(p) {
		switch {
		case unicode.IsPrint(r) || r == '\n' || r == ' ':
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
	}
	if _, err := io.WriteString(j.Writer, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// lineWriter writes lines of text, each made safe.
type lineWriter struct{ io.Writer }

// Write implements io.Writer. It must be given whole lines.
func (l lineWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(l.Writer, escaped(string(p), "\n\t")); err != nil {
		return 0, err
	}
	return len(p), nil
}

// binary is data in base64 if JSON cannot hold it as text, and empty otherwise.
func binary(data string) string {
	if utf8.ValidString(data) {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte(data))
}
