package record

import "testing"

// TestShareOps_ChangesNoExchange: an exchange shares the parts of a write that has the same
// ones, and keeps its own if they differ, however little.
func TestShareOps_ChangesNoExchange(t *testing.T) {
	set := func(got int32) []Op { return []Op{{Kind: "set", Path: "/a", Data: "d", Got: got}} }
	write := func(ops []Op) Event {
		return Event{Type: Invoke, Kind: Write, At: 1, Of: Request{Session: "0x1", Ops: ops}}
	}
	for _, c := range []struct {
		name        string
		write, wire []Op
		session     string
		shares      bool
	}{
		{"the same", set(0), set(0), "0x1", true},
		{"the server has added a version", set(0), set(1), "0x1", false},
		{"of another session", set(0), set(0), "0x2", false},
		{"without parts", nil, nil, "0x1", false},
	} {
		x := []Exchange{{Session: c.session, Sent: 2, Answered: 3, Ops: c.wire}}
		shareOps([]Event{write(c.write)}, x)
		if len(x[0].Ops) != len(c.wire) || len(c.wire) > 0 && x[0].Ops[0] != c.wire[0] {
			t.Errorf("%s: the exchange has %+v instead of %+v", c.name, x[0].Ops, c.wire)
		}
		if shares := len(c.write) > 0 && &x[0].Ops[0] == &c.write[0]; shares != c.shares {
			t.Errorf("%s: shared is %v", c.name, shares)
		}
	}
}
