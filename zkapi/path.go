package zkapi

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// CheckPath returns an error if no ZooKeeper server takes a path, and nil otherwise. The error
// is an ErrInvalidPath with the rule that the path breaks. The rules are those of the servers,
// which are stricter than those of the client library.
func CheckPath(path string) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrInvalidPath, fmt.Sprintf(format, args...))
	}
	switch {
	case !strings.HasPrefix(path, "/"):
		return bad("a path begins with /")
	case !utf8.ValidString(path):
		return bad("a path is UTF-8")
	case path == "/":
		return nil
	case strings.HasSuffix(path, "/"):
		return bad("a path ends without /")
	}
	for _, r := range path {
		if forbidden(r) {
			return bad("ZooKeeper refuses the character %U", r)
		}
	}
	for part := range strings.SplitSeq(path[1:], "/") {
		switch part {
		case "":
			return bad("a path has no // in it")
		case ".", "..":
			return bad("a path has no part %q", part)
		}
	}
	return nil
}

// forbidden reports whether ZooKeeper refuses a character in paths. It looks at each half of a
// character above U+FFFF, and refuses all of those.
func forbidden(r rune) bool {
	return r <= 0x1f || r >= 0x7f && r <= 0x9f || r >= 0xd800 && r <= 0xf8ff || r >= 0xfff0
}
