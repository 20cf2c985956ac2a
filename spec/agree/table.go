package agree

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The figures stand in the README between these lines.
const (
	readmeFile   = "README.md"
	figuresBegin = "<!-- figures -->\n"
	figuresEnd   = "<!-- end of figures -->\n"
)

// Tables are the figures of the manifest for people, in Markdown.
func (m Manifest) Tables() string {
	var text strings.Builder
	fmt.Fprintf(&text, "TLC %s, one worker; seconds on two shared cores.\n\n", m.TLC)
	text.WriteString("| configuration | world | TLC: distinct | generated | depth | to be told apart: states | transitions | steps | s |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, e := range m.Entries {
		if e.Seen != nil {
			fmt.Fprintf(&text, "| `%s` | %s | %d | %d | %d | **%d** | **%d** | **%d** | %.0f |\n", e.Config, e.Says, e.Distinct, e.Generated, e.Depth,
				e.Seen.States, e.Seen.Transitions, e.Seen.Depth, e.Seconds)
		}
	}
	text.WriteString("\nThe figures in bold are the explorer's, too.\n\n| configuration | what it shows | distinct | generated | depth | s |\n|---|---|---|---|---|---|\n")
	for _, e := range m.Entries {
		if e.Seen != nil || e.Kind == Broken {
			continue
		}
		number := func(n int) string {
			if n == 0 {
				return ""
			}
			return fmt.Sprint(n)
		}
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s | %s | %.0f |\n", e.Config, e.Says, number(e.Distinct), number(e.Generated), number(e.Depth), e.Seconds)
	}
	text.WriteString("\n| configuration | without it: | violated | steps | s |\n|---|---|---|---|---|\n")
	for _, e := range m.Entries {
		switch {
		case e.Kind != Broken:
		case e.Violated == "":
			fmt.Fprintf(&text, "| `%s` | %s | nothing: redundant | | %.0f |\n", e.Config, e.Says, e.Seconds)
		default:
			fmt.Fprintf(&text, "| `%s` | %s | %s | %d | %.0f |\n", e.Config, e.Says, e.Violated, e.Trace-1, e.Seconds)
		}
	}
	return text.String()
}

// WriteTables puts the figures into the README beside the modules.
func (m Manifest) WriteTables(dir string) error {
	path := filepath.Join(dir, readmeFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("agree: %w", err)
	}
	before, rest, begins := bytes.Cut(text, []byte(figuresBegin))
	_, after, ends := bytes.Cut(rest, []byte(figuresEnd))
	if !begins || !ends {
		return fmt.Errorf("agree: %s has no place for figures: %q and %q are missing", path, figuresBegin, figuresEnd)
	}
	all := fmt.Sprintf("%s%s%s%s%s", before, figuresBegin, m.Tables(), figuresEnd, after)
	if err := os.WriteFile(path, []byte(all), 0o644); err != nil {
		return fmt.Errorf("agree: %w", err)
	}
	return nil
}
