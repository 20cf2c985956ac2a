package tokens

import (
	"errors"
	"fmt"
	"testing"
)

var errBack = errors.New("the tree has gone back")

// is fails the test unless the memory says that of a name.
func is(t *testing.T, m *Memory, name string, token int32, lost bool) {
	t.Helper()
	if got, gone := m.Known(name); got != token || gone != lost {
		t.Errorf("%s: token %d, lost %v; want %d, %v", name, got, gone, token, lost)
	}
}

// TestSaw_KeepsTheGreatest token of each name.
func TestSaw_KeepsTheGreatest(t *testing.T) {
	var m Memory
	is(t, &m, "a", 0, false)
	for _, token := range []int32{0, 7, 3, 7} {
		m.Saw("a", token)
	}
	m.Saw("b", 1)
	is(t, &m, "a", 7, false)
	is(t, &m, "b", 1, false)
}

// TestFloor_IsTheGreatestToken; a znode with a smaller version is behind.
func TestFloor_IsTheGreatestToken(t *testing.T) {
	var m Memory
	if floor, behind := m.Floor("a", 5); floor != 0 || behind {
		t.Errorf("of a name that was never seen: %d, %v", floor, behind)
	}
	m.Saw("a", 7)
	for version, want := range map[int32]bool{6: true, 7: false, 8: false} {
		if floor, behind := m.Floor("a", version); floor != 7 || behind != want {
			t.Errorf("version %d: %d, %v", version, floor, behind)
		}
	}
}

// TestOpened_LiftsAllNames once each time that the tree has gone back, until a greater token is seen.
func TestOpened_LiftsAllNames(t *testing.T) {
	var m Memory
	m.Saw("a", 7)
	m.Saw("b", 2)
	if err := m.Opened(0, nil); err != nil {
		t.Errorf("a session like others: %v", err)
	}
	is(t, &m, "a", 7, false)
	if err := m.Opened(1, errBack); !errors.Is(err, errBack) {
		t.Errorf("the tree has gone back: %v", err)
	}
	is(t, &m, "a", 7, true)
	is(t, &m, "b", 2, true)
	if floor, behind := m.Floor("a", 1); floor != 7+LiftedBeyond || behind {
		t.Errorf("after that: %d, %v", floor, behind)
	}
	m.Saw("a", 5) // of the time after it
	is(t, &m, "a", 7, true)
	m.Saw("a", 7+LiftedBeyond)
	is(t, &m, "a", 7+LiftedBeyond, false)
	is(t, &m, "b", 2, true)
	if err := m.Opened(1, errBack); err != nil {
		t.Errorf("the next session, which says no more than the last one: %v", err)
	}
	is(t, &m, "a", 7+LiftedBeyond, false)
	if err := m.Opened(2, errBack); !errors.Is(err, errBack) {
		t.Errorf("it has gone back again: %v", err)
	}
	is(t, &m, "a", 7+LiftedBeyond, true)
}

// TestLose_IsOfOneName.
func TestLose_IsOfOneName(t *testing.T) {
	var m Memory
	m.Lose("a")
	is(t, &m, "a", 0, true)
	m.Saw("b", 3)
	m.Lose("b")
	m.Saw("a", 1)
	is(t, &m, "a", 1, false)
	is(t, &m, "b", 3, true)
}

// TestMet_IsNoProof: the token of another process is noted, and does not end the doubt after the tree has
// gone back.
func TestMet_IsNoProof(t *testing.T) {
	var m Memory
	m.Met("a", 0)
	if len(m.of) != 0 {
		t.Errorf("a version without a grant is noted: %v", m.of)
	}
	m.Met("a", 5)
	m.Met("a", 3)
	is(t, &m, "a", 5, false)
	m.Lose("a")
	m.Met("a", 9)
	is(t, &m, "a", 5, true)
}

// TestMemory_IsBounded: the name that was seen first is forgotten.
func TestMemory_IsBounded(t *testing.T) {
	var m Memory
	for i := range most {
		m.Saw(fmt.Sprint(i), 5)
	}
	m.Lose("0")
	is(t, &m, "0", 5, true)
	m.Saw("1", 6) // is known: nothing is forgotten
	is(t, &m, "0", 5, true)
	m.Saw("more", 1)
	is(t, &m, "0", 0, false)
	is(t, &m, "1", 6, false)
	is(t, &m, "more", 1, false)
	if len(m.of) != most || len(m.order) != most {
		t.Errorf("%d names, %d in order", len(m.of), len(m.order))
	}
}
