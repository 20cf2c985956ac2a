package serve

import (
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
)

// null stands for a string that is none. No text of a client is equal to it, because it is not
// UTF-8.
const null = "\xff"

// text decodes a string as Java does: bytes that are not UTF-8 become U+FFFD.
func text(d *jute.Decoder) string {
	b := d.Buffer()
	if b == nil && !d.Bad {
		return null
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}

// encodeText encodes what text has decoded, as Java does: a character above U+FFFF becomes
// two of three bytes each.
func encodeText(to *jute.Encoder, s string) {
	if s == null {
		to.Buffer(nil)
		return
	}
	var encoded []byte
	for _, r := range s {
		if r <= 0xffff {
			encoded = utf8.AppendRune(encoded, r)
			continue
		}
		for _, half := range utf16.AppendRune(nil, r) {
			encoded = append(encoded, 0xe0|byte(half>>12), 0x80|byte(half>>6&0x3f), 0x80|byte(half&0x3f))
		}
	}
	to.String(string(encoded))
}

// texts decodes a vector of strings.
func texts(d *jute.Decoder) []string {
	const length = 4
	var all []string
	for range d.Count(length) {
		all = append(all, text(d))
	}
	return all
}

// pathOf decodes the path of a request that has one.
func pathOf(d *jute.Decoder) (string, error) {
	path := text(d)
	if d.Bad || path == null {
		return "", errMarshalling
	}
	return path, nil
}

// javaSplit takes a text apart as Java does: empty pieces at the end are dropped.
func javaSplit(s, by string) []string {
	pieces := strings.Split(s, by)
	if len(pieces) == 1 {
		return pieces
	}
	for len(pieces) > 0 && pieces[len(pieces)-1] == "" {
		pieces = pieces[:len(pieces)-1]
	}
	return slices.Clip(pieces)
}
