package recipe

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestStatus_IsReadableAndComplete(t *testing.T) {
	for _, s := range []Status{
		{State: Done, Result: Result("hello"), Worker: "w1", Token: Token{Epoch: 3, Attempt: 2}},
		{State: Done, Result: Result{0xff, 0, 1}, Worker: "w1"},
		{State: Failed, Result: Result{}, Reason: "no"},
		{State: Done, Result: Result("<a> & \"b\"\n\x00\x01")},
	} {
		if got := decodeStatus(s.encode()); !reflect.DeepEqual(got, s) {
			t.Errorf("got %+v, want %+v", got, s)
		}
	}
	if got := decodeStatus([]byte("done by hand")); got.State != Done || string(got.Result) != "done by hand" {
		t.Errorf("a status written by hand: %+v", got)
	}
}

// TestStatus_EncodesAResultCompactly stores the largest results of the worst bytes: what a
// handler may return must fit into a write.
func TestStatus_EncodesAResultCompactly(t *testing.T) {
	for _, worst := range []string{"\x00", "\xff", "<", "\"", "\\", "\n", "\u2028", "x"} {
		result := Result(strings.Repeat(worst, MaxResult/len(worst)))
		if size := len(Status{State: Done, Result: result}.encode()); size > maxMultiBytes+1000 {
			t.Errorf("%d bytes of %q are stored in %d", len(result), worst, size)
		}
	}
}

func TestLayout_ChecksNamesAndNamespaces(t *testing.T) {
	for _, bad := range []string{"", "a/b", "../x", ".hidden", "a b", "a-b"} {
		if checkName("worker name", bad) == nil && bad != "a-b" {
			t.Errorf("%q was accepted", bad)
		}
	}
	for bad, says := range map[string]string{
		"billing": "begins with /", "/billing/": "ends without /", "/a//b": "no //", "/a/../b": `no part ".."`, "/a\x01": "U+0001",
		"/zookeeper": "belongs to ZooKeeper", "/zookeeper/quota": "belongs to ZooKeeper", "/billing ": "a blank", "/ a/b": "a blank", "/a/\u3000b": "a blank",
	} {
		if _, err := newLayout(bad, Access{}); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), strconv.Quote(bad)) {
			t.Errorf("namespace %q: %v, want %q", bad, err, says)
		}
	}
	for _, good := range []string{"/zookeeper2", "/a b", "/a/zookeeper"} {
		if _, err := newLayout(good, Access{}); err != nil {
			t.Error(err)
		}
	}
	l, err := newLayout("/a/b", Access{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range l.parents() {
		got = append(got, p.path)
	}
	if want := []string{"/a/b/workers", "/a/b/tasks", "/a/b/assign", "/a/b/candidates", "/a/b/backlog", "/a/b/quarantine", "/a/b/format", "/a/b/collect"}; !slices.Equal(got, want) {
		t.Errorf("parents %q, want %q", got, want)
	}
}
