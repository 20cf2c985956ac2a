package jute

import (
	"bytes"
	"slices"
	"testing"
)

func TestDecoder_ReadsValues(t *testing.T) {
	d := Decoder{Rest: []byte("\x00\x00\x00\x07" + "\xff\xff\xff\xff\xff\xff\xff\xfe" + "\x01" + "\x00\x00\x00\x02ab" + "\xff\xff\xff\xff" + "\x00\x00\x00\x02" + "\x00\x00\x00\x01x" + "\x00\x00\x00\x00" + "\xff\xff\xff\xff")}
	if d.Int32() != 7 || d.Int64() != -2 || !d.Bool() || d.String() != "ab" || d.Buffer() != nil || !slices.Equal(d.Strings(), []string{"x", ""}) || d.Strings() != nil {
		t.Error("a value is wrong")
	}
	if d.Bad || len(d.Rest) > 0 {
		t.Errorf("bad is %v, %d bytes are left", d.Bad, len(d.Rest))
	}
	if d.Int32() != 0 || !d.Bad {
		t.Error("there was nothing left")
	}
}

// TestDecoder_RefusesMissingBytes has lengths and counts that are negative, or larger
// than the rest of the bytes.
func TestDecoder_RefusesMissingBytes(t *testing.T) {
	for name, c := range map[string]struct {
		bytes string
		read  func(*Decoder)
	}{
		"a torn int":               {"\x00\x00\x00", func(d *Decoder) { d.Int32() }},
		"a torn long":              {"\x00\x00\x00\x00", func(d *Decoder) { d.Int64() }},
		"a long buffer":            {"\x00\x00\x00\x05abcd", func(d *Decoder) { d.Buffer() }},
		"a buffer of -2":           {"\xff\xff\xff\xfeabcd", func(d *Decoder) { d.Buffer() }},
		"two billion strings":      {"\x7f\xff\xff\xff\x00\x00\x00\x01a", func(d *Decoder) { d.Strings() }},
		"more elements than bytes": {"\x00\x00\x00\x02abcd", func(d *Decoder) { d.Count(3) }},
		"-2 elements":              {"\xff\xff\xff\xfeabcd", func(d *Decoder) { d.Count(1) }},
	} {
		d := Decoder{Rest: []byte(c.bytes)}
		if c.read(&d); !d.Bad {
			t.Errorf("%s was read", name)
		}
		if d.Int64() != 0 || d.String() != "" || d.Bool() || d.Strings() != nil {
			t.Errorf("%s: what follows is not zero", name)
		}
	}
}

func TestDecoder_TakeLimitsTheCapacity(t *testing.T) {
	b := []byte("abcd")
	d := Decoder{Rest: b}
	_ = append(d.Take(2), 'x')
	if !bytes.Equal(b, []byte("abcd")) {
		t.Errorf("it is %q now", b)
	}
}
