package zkapi

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckPath(t *testing.T) {
	for _, c := range []struct{ path, says string }{
		{"/", ""},
		{"/billing", ""},
		{"/a/b.c/..d/.e/f..", ""},
		{"/a b/ü/日本", ""},
		{"", "begins with /"},
		{"billing", "begins with /"},
		{"/billing/", "ends without /"},
		{"//", "ends without /"},
		{"/a//b", "no // in it"},
		{"/a/./b", `no part "."`},
		{"/..", `no part ".."`},
		{"/a\x00", "U+0000"},
		{"/a\n", "U+000A"},
		{"/a\u007f", "U+007F"},
		{"/a\u009f", "U+009F"},
		{"/\ue000", "U+E000"},
		{"/\uf8ff", "U+F8FF"},
		{"/\uffff", "U+FFFF"},
		{"/\U0001F600", "U+1F600"},
		{"/a\xff", "UTF-8"},
	} {
		err := CheckPath(c.path)
		if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, ErrInvalidPath) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%q: %v, want %q", c.path, err, c.says)
		}
	}
}
