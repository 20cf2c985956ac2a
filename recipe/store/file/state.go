package file

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/ringmaster-zk/ringmaster/recipe/store"
)

// newestFormat is the format that this build writes, and the newest that it reads.
const newestFormat = 1

// A frame has a mark, a number, the length of the payload and a checksum of these, the payload, and a checksum of that.
const (
	frameMark  = "RMS\n"
	headSize   = 4 + 8 + 4 + 4
	footSize   = 4
	longest    = 1 << 30
	frameBytes = 1 << 20 // of the records of one frame, at least, when all are written
)

var table = crc32.MakeTable(crc32.Castagnoli)

// frame makes a frame.
func frame(number uint64, payload []byte) []byte {
	b := append(make([]byte, 0, headSize+len(payload)+footSize), frameMark...)
	b = binary.BigEndian.AppendUint64(b, number)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, table))
	b = append(b, payload...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(payload, table))
}

// parse reads the frame at the beginning of data. whole is false if there is none, or not all of it.
func parse(data []byte) (number uint64, payload, rest []byte, whole bool) {
	if len(data) < headSize+footSize || string(data[:4]) != frameMark || binary.BigEndian.Uint32(data[16:]) != crc32.Checksum(data[:16], table) {
		return 0, nil, nil, false
	}
	number = binary.BigEndian.Uint64(data[4:])
	length := int(binary.BigEndian.Uint32(data[12:]))
	if length > longest || len(data) < headSize+length+footSize {
		return 0, nil, nil, false
	}
	payload, rest = data[headSize:headSize+length], data[headSize+length+footSize:]
	return number, payload, rest, binary.BigEndian.Uint32(data[headSize+length:]) == crc32.Checksum(payload, table)
}

// head is the first frame of a state file.
type head struct {
	Format int   `json:"format"`
	Epoch  int32 `json:"epoch"`
	Frames int   `json:"frames"` // of all records, behind this one
}

// encode makes the payload of records. Those that are Absent are deleted.
func encode(records []store.Record) []byte {
	var b []byte
	for _, r := range records {
		b = binary.AppendUvarint(b, uint64(len(r.Key)))
		b = append(b, r.Key...)
		b = binary.AppendVarint(b, int64(r.Version))
		b = binary.AppendUvarint(b, uint64(len(r.Data)))
		b = append(b, r.Data...)
	}
	return b
}

var errPayload = fmt.Errorf("%w: a frame with a right checksum cannot be read", store.ErrDamaged)

// decode reads that.
func decode(b []byte) (records []store.Record, err error) {
	text := func() []byte {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			err = errPayload
			return nil
		}
		t := b[size : size+int(n)]
		b = b[size+int(n):]
		return t
	}
	for len(b) > 0 && err == nil {
		r := store.Record{Key: string(text())}
		version, size := binary.Varint(b)
		if size <= 0 {
			return nil, errPayload
		}
		b, r.Version = b[size:], store.Version(version)
		r.Data = bytes.Clone(text())
		records = append(records, r)
	}
	return records, err
}

// state is a state file that is written.
type state struct {
	file       *os.File
	generation int
	number     uint64 // of the next frame
	size       int64
	rested     int64 // the size when all records were written, or when that was tried last
}

// named is a state file by its name.
type named struct {
	name       string
	epoch      int32
	generation int
}

var stateName = regexp.MustCompile(`^state-(\d{10})\.(\d{10})$`)

func nameOf(epoch int32, generation int) string {
	return fmt.Sprintf("state-%010d.%010d", epoch, generation)
}

// newest is the newest state file of a folder; its name is empty if there is none.
func newest(folder string) (last named, err error) {
	entries, err := os.ReadDir(folder) // sorted by name
	for _, e := range entries {
		if m := stateName.FindStringSubmatch(e.Name()); m != nil {
			epoch, bad := strconv.ParseInt(m[1], 10, 32)
			generation, worse := strconv.Atoi(m[2])
			if bad != nil || worse != nil {
				return last, fmt.Errorf("%w: %s", store.ErrDamaged, e.Name())
			}
			last = named{e.Name(), int32(epoch), generation}
		}
	}
	return last, err
}

// read reads a state file into a table without records.
func read(path string, into *store.Table) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	damaged := func(why string, at int) error {
		return fmt.Errorf("%w: %s: %s at byte %d", store.ErrDamaged, path, why, at)
	}
	var h head
	for number, rest := uint64(0), data; ; number++ {
		at := len(data) - len(rest)
		n, payload, after, whole := parse(rest)
		switch {
		case !whole && number <= uint64(h.Frames): // they were synced before the file had its name
			return damaged("no whole frame", at)
		case !whole && later(rest):
			return damaged("a frame is not whole, and others follow,", at)
		case !whole:
			return nil // it was never confirmed
		case n != number:
			return damaged(fmt.Sprintf("frame %d in place of %d", n, number), at)
		}
		if number == 0 {
			if err := json.Unmarshal(payload, &h); err != nil || h.Format < 1 || h.Frames < 0 {
				return damaged("no head that can be read", at)
			}
			if h.Format > newestFormat {
				return fmt.Errorf("%w: %s has format %d, and this build knows formats up to %d", store.ErrNewer, path, h.Format, newestFormat)
			}
		} else {
			records, err := decode(payload)
			if err != nil {
				return err
			}
			for _, r := range records {
				into.Restore(r)
			}
		}
		rest = after
	}
}

// later reports whether there is a whole frame behind one that is not.
func later(data []byte) bool {
	for len(data) > 0 {
		at := bytes.Index(data[1:], []byte(frameMark))
		if at < 0 {
			return false
		}
		data = data[1+at:]
		if _, _, _, whole := parse(data); whole {
			return true
		}
	}
	return false
}

// errNamed means that a new state file has its name, and may be forgotten all the same.
var errNamed = errors.New("the new state file may be forgotten")

// begin writes all records into a new state file, and deletes the older ones.
func begin(folder string, epoch int32, generation int, records *store.Table) (*state, error) {
	name := nameOf(epoch, generation)
	temporary := filepath.Join(folder, name+".new")
	file, err := os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	s := &state{file: file, generation: generation}
	if err := s.all(epoch, records); err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(temporary))
	}
	if err := os.Rename(temporary, filepath.Join(folder, name)); err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(temporary))
	}
	if err := syncFolder(folder); err != nil {
		return nil, errors.Join(errNamed, err, file.Close())
	}
	entries, err := os.ReadDir(folder)
	for _, e := range entries {
		if len(e.Name()) >= len(name) && stateName.MatchString(e.Name()[:len(name)]) && e.Name() != name {
			err = errors.Join(err, os.Remove(filepath.Join(folder, e.Name())))
		}
	}
	_ = err // older files do no harm
	return s, nil
}

// all writes and syncs the frames of all records.
func (s *state) all(epoch int32, records *store.Table) error {
	all, err := records.Load()
	if err != nil {
		return err
	}
	var frames [][]byte
	for len(all) > 0 {
		n, size := 0, 0
		for n < len(all) && size < frameBytes {
			size += len(all[n].Key) + len(all[n].Data)
			n++
		}
		frames, all = append(frames, encode(all[:n])), all[n:]
	}
	h, _ := json.Marshal(head{newestFormat, epoch, len(frames)}) // numbers
	for _, payload := range append([][]byte{h}, frames...) {
		if err := s.write(payload); err != nil {
			return err
		}
	}
	s.rested = s.size
	return s.file.Sync()
}

// write writes a frame at the end.
func (s *state) write(payload []byte) error {
	b := frame(s.number, payload)
	_, err := s.file.WriteAt(b, s.size)
	s.number++
	s.size += int64(len(b))
	return err
}

// add writes a change, and makes it durable.
func (s *state) add(after []store.Record) error {
	if err := s.write(encode(after)); err != nil {
		return err
	}
	return s.file.Sync()
}

// grown reports whether the changes are more than that, and than the records were.
func (s *state) grown(most int64) bool { return s.size-s.rested > max(most, s.rested) }

// syncFolder makes the names in a folder durable.
func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
