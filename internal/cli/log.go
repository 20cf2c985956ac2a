package cli

import (
	"io"
	"log/slog"
	"os"
)

// logger is the log of the command. It goes to standard error.
func (o *Options) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.LogLevel)); err != nil {
		return nil, misuse("--log-level %q: choose debug, info, warn or error", o.LogLevel)
	}
	return slog.New(logTo(os.Stderr, level, o.LogJSON)), nil
}

// logTo writes records to w, one a line, safe for a terminal.
func logTo(w io.Writer, level slog.Level, asJSON bool) slog.Handler {
	settings := &slog.HandlerOptions{Level: level, ReplaceAttr: oneLineErrors}
	if asJSON {
		return slog.NewJSONHandler(jsonWriter{w}, settings)
	}
	return slog.NewTextHandler(lineWriter{w}, settings)
}

// oneLineErrors joins the lines of an error, or of its text: it may be several errors.
func oneLineErrors(_ []string, a slog.Attr) slog.Attr {
	if err, ok := a.Value.Any().(error); ok {
		a.Value = slog.StringValue(sentence(err.Error()))
	} else if a.Key == "error" && a.Value.Kind() == slog.KindString {
		a.Value = slog.StringValue(sentence(a.Value.String()))
	}
	return a
}
