package txnlog

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"io"
	"iter"
	"strings"
)

const (
	logMagic    = "ZKLG"
	version     = 2
	headerBytes = 16       // magic, version, id of the database
	longest     = 64 << 20 // more than any server takes: a greater length is damage
	endOfEntry  = 'B'
)

// Damage is a place at which a file differs from a server's format, and no crash in the
// middle of an append explains it.
type Damage struct {
	Offset int64 // in bytes, of the entry
	Why    string
}

// Error implements error.
func (d *Damage) Error() string { return fmt.Sprintf("damaged at byte %d: %s", d.Offset, d.Why) }

// Read reads the transactions of one log file, in the file's order. It ends where the
// log ends: at the padding of zeros, or in an entry whose beginning alone was written
// when the server was killed. An error is a [*Damage], or an error of r; it is the last
// element.
//
// An entry with its end byte is whole, and must have the right checksum.
func Read(r io.Reader) iter.Seq2[Txn, error] {
	return func(yield func(Txn, error) bool) {
		l := logReader{from: bufio.NewReaderSize(r, 1<<16)}
		if err := l.header(); err != nil {
			if !errors.Is(err, errTorn) {
				yield(Txn{}, err)
			}
			return
		}
		for {
			t, err := l.next()
			if errors.Is(err, errTorn) || !yield(t, err) || err != nil {
				return
			}
		}
	}
}

// errTorn says that the log ends here, in good order or because of a crash.
var errTorn = errors.New("the log ends")

type logReader struct {
	from *bufio.Reader
	at   int64 // bytes read
}

// read fills b as far as the data goes, and returns the number of bytes.
func (l *logReader) read(b []byte) (int, error) {
	n, err := io.ReadFull(l.from, b)
	l.at += int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

func (l *logReader) header() error {
	var b [headerBytes]byte
	n, err := l.read(b[:])
	written := bytes.TrimRight(b[:n], "\x00")
	begun := strings.HasPrefix(logMagic+"\x00\x00\x00\x02", string(written))
	switch {
	case err != nil:
		return err
	case begun && (n < headerBytes || len(written) < len(logMagic)+4):
		return l.torn(0)
	case string(b[:4]) != logMagic:
		return &Damage{0, fmt.Sprintf("this is no transaction log: it begins with %q", b[:4])}
	case binary.BigEndian.Uint32(b[4:]) != version:
		return &Damage{0, fmt.Sprintf("version %d of the format is not supported, only %d", binary.BigEndian.Uint32(b[4:]), version)}
	}
	return nil
}

// next reads an entry: checksum, length, that many bytes, an end byte.
func (l *logReader) next() (Txn, error) {
	const prefix = 12
	start := l.at
	var head [prefix]byte
	n, err := l.read(head[:])
	if err != nil {
		return Txn{}, err
	}
	length := int32(binary.BigEndian.Uint32(head[8:]))
	if n < prefix || length == 0 {
		return Txn{}, l.torn(start)
	}
	if length < 0 || length > longest {
		return Txn{}, &Damage{start, fmt.Sprintf("an entry of %d bytes", length)}
	}
	var body bytes.Buffer // grows with the data, not with the claimed length
	copied, err := io.CopyN(&body, l.from, int64(length)+1)
	l.at += copied
	if err != nil && !errors.Is(err, io.EOF) {
		return Txn{}, err
	}
	sum := binary.BigEndian.Uint64(head[:])
	if copied <= int64(length) || body.Bytes()[length] == 0 {
		if wholeWithin(body.Bytes(), sum) {
			return Txn{}, &Damage{start, fmt.Sprintf("an entry that has its checksum, but not %d bytes", length)}
		}
		return Txn{}, l.torn(start)
	}
	payload := body.Bytes()[:length]
	if end := body.Bytes()[length]; end != endOfEntry {
		return Txn{}, &Damage{start, fmt.Sprintf("an entry that ends with byte 0x%x", end)}
	}
	if uint64(adler32.Checksum(payload)) != sum {
		return Txn{}, &Damage{start, "the checksum is wrong"}
	}
	t, ok := decodeTxn(payload)
	if !ok {
		return Txn{}, &Damage{start, "the checksum is right, but this is no transaction that ZooKeeper 3.9 writes"}
	}
	t.Sum = t.sum(payload)
	return t, nil
}

// wholeWithin reports whether an entry with that checksum ends somewhere in b. Then its
// length is damaged, and it was not being appended when the server was killed.
func wholeWithin(b []byte, sum uint64) bool {
	h := adler32.New()
	for i := range b {
		if b[i] == endOfEntry && uint64(h.Sum32()) == sum {
			return true
		}
		_, _ = h.Write(b[i : i+1])
	}
	return false
}

// torn says that the log ends in the entry at start, if nothing but zeros follows.
func (l *logReader) torn(start int64) error {
	var b [1 << 12]byte
	for {
		n, err := l.read(b[:])
		if err != nil {
			return err
		}
		if !allZero(b[:n]) {
			return &Damage{start, "something follows after the end of the log"}
		}
		if n < len(b) {
			return errTorn
		}
	}
}

func allZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }
