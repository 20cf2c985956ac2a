package jute

import (
	"slices"
	"testing"
)

// TestEncoder_IsReadBack encodes one value of each type, and decodes it.
func TestEncoder_IsReadBack(t *testing.T) {
	var e Encoder
	e.Int32(-7)
	e.Int64(1 << 40)
	e.Bool(true)
	e.Bool(false)
	e.Buffer(nil)
	e.Buffer([]byte{})
	e.Buffer([]byte("data"))
	e.String("text")
	e.Strings([]string{"a", "", "ccc"})
	d := Decoder{Rest: e.Bytes}
	if d.Int32() != -7 || d.Int64() != 1<<40 || !d.Bool() || d.Bool() {
		t.Error("numbers and booleans differ")
	}
	if d.Buffer() != nil {
		t.Error("no buffer became one")
	}
	if b := d.Buffer(); b == nil || len(b) > 0 {
		t.Error("an empty buffer became none")
	}
	if string(d.Buffer()) != "data" || d.String() != "text" || !slices.Equal(d.Strings(), []string{"a", "", "ccc"}) {
		t.Error("bytes and strings differ")
	}
	if d.Bad || len(d.Rest) > 0 {
		t.Errorf("bad is %v, %d bytes are left", d.Bad, len(d.Rest))
	}
}
