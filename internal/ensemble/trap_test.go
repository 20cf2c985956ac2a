package ensemble

import (
	"testing"
)

func TestTrap_LosesAnAnswer(t *testing.T) {
	c := newBench(t, 1, Hooks{})
	conn := c.connect()
	never := c.proxy.SetTrap(func(x Exchange) bool { return x.Request.Ends() }, LoseAnswer)
	defer never.Open()
	trap := c.proxy.SetTrap(creates, LoseAnswer)
	defer trap.Open()
	xid := c.create(conn)
	if answered(conn, xid, soon) {
		t.Error("the answer passed")
	}
	eventually(t, "the trap triggers", func() bool { return fired(trap.Triggered) })
	if got := trap.Caught(); !got.Lost || got.Request.Xid != xid || got.Zxid != 100 || got.Err != nil || got.Answered == 0 {
		t.Errorf("caught %+v", got)
	}
	again := c.connect()
	if !answered(again, c.create(again), soon) {
		t.Error("a trap triggers twice")
	}
	if fired(never.Triggered) || never.Caught().Answered != 0 {
		t.Errorf("caught %+v, which does not fit", never.Caught())
	}
}

func TestTrap_HoldsAnAnswer(t *testing.T) {
	c := newBench(t, 1, Hooks{})
	conn := c.connect()
	trap := c.proxy.SetTrap(creates, HoldAnswer)
	first := c.create(conn)
	<-trap.Triggered
	_ = writePacket(conn, beInt32(-2), beInt32(11)) // a ping is no request
	if answered(conn, first, long) || trap.Caught().Followed {
		t.Fatal("the answer passed")
	}
	second := c.create(conn)
	for _, xid := range []int32{first, -2, second} {
		if !answered(conn, xid, soon) {
			t.Errorf("%d is lost", xid)
		}
	}
	if !trap.Caught().Followed {
		t.Error("the next request was not noticed")
	}

	opened := c.proxy.SetTrap(creates, HoldAnswer)
	third := c.create(conn)
	<-opened.Triggered
	opened.Open()
	if !answered(conn, third, soon) || opened.Caught().Followed {
		t.Errorf("an opened trap: %+v", opened.Caught())
	}
}

func TestTrap_HoldsRequests(t *testing.T) {
	c := newBench(t, 1, Hooks{})
	conn := c.connect()
	trap := c.proxy.SetTrap(creates, HoldRequests)
	if !answered(conn, c.create(conn), soon) {
		t.Error("the answer is held")
	}
	second := c.create(conn)
	if answered(conn, second, long) {
		t.Error("a request passed")
	}
	eventually(t, "the request waits", func() bool { return trap.Caught().Waiting })
	if got := trap.Caught(); got.Passed != 0 {
		t.Errorf("%+v", got)
	}
	trap.Open()
	if !answered(conn, second, soon) {
		t.Error("the request is lost")
	}
}
