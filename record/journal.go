package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Version is the version of the file format. A reader accepts this version and all
// earlier ones, and refuses later ones.
const Version = 2

type header struct {
	History string `json:"history"`
	Version int    `json:"version"`
}

const signature = "ringmaster"

// Journal appends the events of one process to a file. Each event reaches the operating
// system before Add returns, so a killed process loses none.
type Journal struct {
	mu      sync.Mutex
	file    *os.File
	now     func() time.Duration
	process string
	life    int
	op      int64
	muted   bool
	number  func() int // nil: events are not numbered
	failed  func(error)
}

// Create starts a journal. The clock tells the time since the run began.
func Create(path, process string, life int, now func() time.Duration) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	j := &Journal{file: file, now: now, process: process, life: life}
	if err := line(file, header{signature, Version}); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return j, nil
}

// OnFailure is told of the first event that cannot be written. The journal ends before it:
// Add drops that event and all later ones.
func (j *Journal) OnFailure(tell func(error)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failed = tell
}

// NumberBy numbers the events to come. Journals that share a counter keep the order of
// their events at one moment; see [Merge]. In virtual time much happens at one moment.
func (j *Journal) NumberBy(counter func() int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.number = counter
}

// line appends one line to a file, in one write.
func line[T header | Event | Exchange](file *os.File, v T) error {
	data, err := json.Marshal(v)
	if err == nil {
		_, err = file.Write(append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("record: %s: %w", file.Name(), err)
	}
	return nil
}

// Add stamps an event with time and process and appends it. Add panics if the payload does
// not fit the event's kind (see [Own]). If the journal cannot be written, the run is
// worthless: see [Journal.OnFailure], without which Add panics.
func (j *Journal) Add(e Event) Event {
	e, tell, failure := j.add(e)
	switch {
	case failure == nil:
	case tell == nil:
		panic(failure)
	default:
		tell(failure) // without the lock, because it may add to this journal
	}
	return e
}

// add is Add, but for what is to be done about a failure.
func (j *Journal) add(e Event) (_ Event, tell func(error), failure error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.At, e.Process, e.Life = j.now(), j.process, j.life
	if j.muted {
		return e, nil, nil
	}
	if j.number != nil {
		e.Seq = j.number()
	}
	if e.Type == Invoke {
		j.op++
		e.Op = j.op
	}
	err := line(j.file, e)
	_, unwritable := errors.AsType[*fs.PathError](err)
	j.muted = unwritable
	if unwritable {
		return e, j.failed, err
	}
	return e, nil, err
}

// Mute drops all later events, as if the process were dead.
func (j *Journal) Mute() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.muted = true
}

// Complete appends the completion of an invocation, with the payload known by then.
func (j *Journal) Complete(invoke Event, t Type, of Payload) {
	j.Add(Event{Type: t, Kind: invoke.Kind, Op: invoke.Op, Of: of})
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }

// WriteFile writes a whole history.
func WriteFile(path string, events []Event) error { return writeFile(path, events) }

func writeFile[T record](path string, all []T) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	defer func() {
		if err = errors.Join(err, file.Close()); err != nil {
			err = fmt.Errorf("record: %w", err)
		}
	}()
	buffered := bufio.NewWriterSize(file, blockSize)
	encoder := json.NewEncoder(buffered)
	if err := encoder.Encode(header{signature, Version}); err != nil {
		return err
	}
	for i := range all {
		if err := encoder.Encode(&all[i]); err != nil {
			return err
		}
	}
	return buffered.Flush()
}
