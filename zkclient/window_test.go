package zkclient

import "testing"

// TestWindow_FollowsTheAnswers: shares grow with small answers, and shrink with large ones and
// with failures, down to one by one; and they grow again.
func TestWindow_FollowsTheAnswers(t *testing.T) {
	var w window
	expect := func(what string, reads, want int) {
		t.Helper()
		if got := w.size(reads); got != want {
			t.Errorf("%s: %d operations, want %d", what, got, want)
		}
	}
	expect("at first", 1, firstReads)
	for range 10 {
		w.fitted(8, 800, 80)
	}
	expect("small answers", 1, mostReads)
	expect("small answers with two reads each", 2, mostReads/2)
	w.failed(64)
	w.failed(64)
	expect("a connection that ended", 1, mostReads/2)
	for range 10 {
		w.failed(w.size(1))
	}
	expect("connections that end", 1, 1)
	w.fitted(1, 100, 10)
	expect("after one that did not", 1, 2)
	for range 10 {
		w.fitted(8, 800, 80)
	}
	w.fitted(4, 4*wantedAnswer/8, 4*10)
	expect("large answers", 1, 8)
	w.fitted(4, 4*wantedAnswer, 4*wantedAnswer)
	expect("larger answers", 1, 1)
	expect("large data", 2, 1)
	for range 200 {
		w.fitted(1, 100, 10)
	}
	expect("small answers again", 1, mostReads)
	expect("small data again", 2, mostReads/2)
}
