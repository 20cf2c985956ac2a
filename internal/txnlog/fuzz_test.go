package txnlog

import (
	"bytes"
	"encoding/binary"
	"hash/adler32"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// FuzzFiles reads anything as a log, as one entry of a log whose checksum is right, and
// as a snapshot.
//
//	go test -fuzz FuzzFiles ./internal/txnlog
func FuzzFiles(f *testing.F) {
	paths, err := filepath.Glob("testdata/zk1/*")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no frozen files: %v", err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	header := make([]byte, txnHeaderBytes)
	header[txnHeaderBytes-1] = byte(Multi)
	for _, count := range []uint32{1, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 13} {
		f.Add(append(binary.BigEndian.AppendUint32(bytes.Clone(header), count), make([]byte, 1<<16)...)) // opcodes and lengths of 0
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		log := append([]byte(logMagic), 0, 0, 0, version, 0, 0, 0, 0, 0, 0, 0, 0)
		log = binary.BigEndian.AppendUint64(log, uint64(adler32.Checksum(b)))
		log = append(append(binary.BigEndian.AppendUint32(log, uint32(len(b))), b...), endOfEntry)
		for _, file := range [][]byte{b, log} {
			for txn, err := range Read(bytes.NewReader(file)) {
				if err != nil {
					break
				}
				NewTree().Apply(&txn)
			}
		}
		if tree, err := ReadSnapshot(b); err == nil {
			Digest(tree.Nodes())
		}
		runtime.ReadMemStats(&after)
		const free, share = 1 << 18, 16
		if spent, most := after.TotalAlloc-before.TotalAlloc, uint64(free+share*len(b)); spent > most {
			t.Errorf("%d bytes were allocated for %d", spent, len(b))
		}
	})
}
