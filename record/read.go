package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"runtime"
	"slices"
	"sync"
)

// Read reads a history or a journal. A last line without an end, as a killed
// process leaves it, is dropped; any other bad line is an error. The input is read into
// memory; [ReadFile] needs no more than the events do.
func Read(r io.Reader) ([]Event, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return read[Event](bytes.NewReader(data))
}

// ReadFile reads a history from a file.
func ReadFile(path string) ([]Event, error) { return readFile[Event](path) }

func readFile[T record](path string) ([]T, error) {
	file, err := OpenRegular(path)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	defer file.Close()
	all, err := read[T](file)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, path)
	}
	return all, nil
}

// record is the type of a line in a file.
type record interface{ Event | Exchange | Commit }

// blockSize is how much of a file is decoded at a time by one goroutine.
const blockSize = 1 << 20

// block is some whole lines of a file, and the place of the first among all that follow
// the header.
type block struct {
	text  []byte
	first int
}

// read reads twice: first to count the lines, so that each line has its place in the
// result, then to decode them, several blocks at a time.
func read[T record](r io.ReadSeeker) ([]T, error) {
	lines, err := countLines(r)
	if err != nil || lines == 0 {
		return nil, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	buffered := bufio.NewReaderSize(r, blockSize)
	version, err := readHeader(buffered)
	if err != nil {
		return nil, err
	}
	if lines == 1 {
		return nil, nil
	}
	all := make([]T, lines-1)
	var work sync.WaitGroup
	queue, faults := make(chan block, 1), make(chan *lineError, runtime.GOMAXPROCS(0))
	spare := make(chan []byte, cap(faults)+2)
	for range cap(faults) {
		work.Go(func() { faults <- decodeBlocks(queue, spare, all, version) })
	}
	err = readBlocks(buffered, len(all), queue, spare)
	close(queue)
	work.Wait()
	close(faults)
	var first *lineError
	for fault := range faults {
		if fault != nil && (first == nil || fault.line < first.line) {
			first = fault
		}
	}
	switch {
	case first != nil:
		return nil, fmt.Errorf("record: line %d: %w", first.line, first.err)
	case err != nil:
		return nil, err
	}
	return all, nil
}

// lineError is an error in a line, counted from 1.
type lineError struct {
	line int
	err  error
}

func countLines(r io.Reader) (int, error) {
	lines, buffer := 0, make([]byte, blockSize)
	for {
		n, err := r.Read(buffer)
		lines += bytes.Count(buffer[:n], []byte{'\n'})
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return 0, fmt.Errorf("record: %w", err)
		}
	}
}

func readHeader(r *bufio.Reader) (version int, err error) {
	line, err := r.ReadBytes('\n')
	var h header
	if err == nil {
		err = json.Unmarshal(line, &h)
	}
	if err != nil || h.History != signature || h.Version < 1 || h.Version > Version {
		return 0, fmt.Errorf("record: this is no history of a version up to %d: the first line is %s", Version, bytes.TrimSpace(line))
	}
	return h.Version, nil
}

// readBlocks cuts everything after the header into blocks, which have that many lines
// together. It takes the memory for them from spare, as far as there is some.
func readBlocks(r *bufio.Reader, lines int, queue chan<- block, spare <-chan []byte) error {
	var text []byte
	first := 0
	for at := range lines {
		line, err := r.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			text = append(text, line...)
			line, err = r.ReadSlice('\n')
		}
		if err != nil {
			return fmt.Errorf("record: line %d: %w", at+2, err)
		}
		text = append(text, line...)
		if len(text) >= blockSize || at == lines-1 {
			queue <- block{text, first}
			first = at + 1
			select {
			case text = <-spare:
			default:
				text = make([]byte, 0, blockSize+blockSize/8)
			}
		}
	}
	return nil
}

// decodeBlocks decodes each line into its place. It returns the first bad line, but
// still takes all blocks from the queue. What it decodes keeps nothing of a block.
func decodeBlocks[T record](queue <-chan block, spare chan<- []byte, all []T, version int) (first *lineError) {
	words := &words{seed: maphash.MakeSeed()}
	fast := plain{words: words}
	for b := range queue {
		at := b.first
		for line := range bytes.Lines(b.text) {
			if !fast.read(line, &all[at], version) {
				if err := decode(line, &all[at], version); err != nil && (first == nil || at+2 < first.line) {
					first = &lineError{at + 2, err}
				}
				words.share(&all[at])
			}
			at++
		}
		select {
		case spare <- b.text[:0]:
		default:
		}
	}
	return first
}

// decode reads one line. Only events differ between the versions.
func decode(line []byte, v any, version int) error {
	if e, ok := v.(*Event); ok {
		return e.decode(line, version)
	}
	return json.Unmarshal(line, v)
}

// words caches recent strings. A string that repeats often, mostly a name, is kept
// once.
type words struct {
	seed  maphash.Seed
	slots [1 << 14]string
}

func (w *words) shared(text *string) {
	if *text == "" {
		return
	}
	slot := &w.slots[maphash.String(w.seed, *text)%uint64(len(w.slots))]
	if *slot != *text {
		*slot = *text
	}
	*text = *slot
}

// of is the string of some bytes.
func (w *words) of(text []byte) string {
	if len(text) == 0 {
		return ""
	}
	slot := &w.slots[maphash.Bytes(w.seed, text)%uint64(len(w.slots))]
	if *slot != string(text) {
		*slot = string(text)
	}
	return *slot
}

// share replaces strings of a record by shared copies, and frees its spare capacity.
func (w *words) share(v any) {
	var ops *[]Op
	switch v := v.(type) {
	case *Event:
		w.shared(&v.Process)
		w.shared((*string)(&v.Type))
		w.shared((*string)(&v.Kind))
		v.Of = w.sharePayload(v.Of)
	case *Exchange:
		w.shared(&v.Process)
		w.shared(&v.Session)
		ops = &v.Ops
	case *Commit:
		w.shared(&v.Session)
		ops = &v.Ops
	}
	if ops != nil {
		w.shareOps(ops)
	}
}

// shareOps is share for the parts of a write.
func (w *words) shareOps(ops *[]Op) {
	if len(*ops) == 0 {
		return
	}
	*ops = slices.Clone(*ops)
	for i := range *ops {
		op := &(*ops)[i]
		w.shared(&op.Kind)
		w.shared(&op.Path)
		w.shared(&op.Data)
	}
}

// sharePayload is share for the payloads that are frequent in a run.
func (w *words) sharePayload(of Payload) Payload {
	share := func(all ...*string) {
		for _, text := range all {
			w.shared(text)
		}
	}
	switch p := of.(type) {
	case Submission:
		share(&p.ID, &p.Task, &p.Problem)
		return p
	case Answer:
		share(&p.Task, &p.ID, &p.State, &p.Result, &p.Problem)
		return p
	case Execution:
		share(&p.Task, &p.ID, &p.Result, &p.Problem)
		return p
	case Request:
		share(&p.Session, &p.Problem)
		w.shareOps(&p.Ops)
		return p
	case Act:
		share(&p.Task, &p.ID, &p.Deed, &p.By.Process)
		return p
	case TaskChange:
		share(&p.Task, (*string)(&p.Fate), &p.Worker)
		return p
	case Own:
		share(&p.Object, &p.ID, &p.Remark)
		return p
	}
	return of
}
