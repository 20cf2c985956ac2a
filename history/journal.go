package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Version is the version of the file format; a reader refuses any other.
const Version = 1

type header struct {
	History string `json:"history"`
	Version int    `json:"version"`
}

const signature = "ringmaster"

// Journal appends the events of one process to a file. Each event reaches the
// operating system before Add returns, so a process that is killed loses none.
type Journal struct {
	mu      sync.Mutex
	file    *os.File
	now     func() time.Duration
	process string
	life    int
	op      int64
	muted   bool
}

// Create starts a journal. The clock tells the time since the run began.
func Create(path, process string, life int, now func() time.Duration) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	j := &Journal{file: file, now: now, process: process, life: life}
	if err := line(file, header{signature, Version}); err != nil {
		return nil, err
	}
	return j, nil
}

// line appends one line to a file, in one write.
func line[T header | Event | Exchange](file *os.File, v T) error {
	data, err := json.Marshal(v)
	if err == nil {
		_, err = file.Write(append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("history: %s: %w", file.Name(), err)
	}
	return nil
}

// Add stamps an event with time and process and appends it. A journal that cannot
// be written makes a run worthless, so it panics.
func (j *Journal) Add(e Event) Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.At, e.Process, e.Life = j.now(), j.process, j.life
	if j.muted {
		return e
	}
	if e.Type == Invoke {
		j.op++
		e.Op = j.op
	}
	if err := line(j.file, e); err != nil {
		panic(err)
	}
	return e
}

// Mute drops everything that is added from here on, as if its process were dead.
func (j *Journal) Mute() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.muted = true
}

// Complete appends the completion of an invocation.
func (j *Journal) Complete(invoke Event, t Type, change func(*Event)) {
	e := Event{Type: t, Kind: invoke.Kind, Op: invoke.Op, Task: invoke.Task, ID: invoke.ID, Token: invoke.Token, Session: invoke.Session}
	if change != nil {
		change(&e)
	}
	j.Add(e)
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }

// Read reads a history or a journal. A last line without an end, as a killed
// process leaves it, is dropped; any other bad line is an error.
func Read(r io.Reader) ([]Event, error) { return read[Event](r) }

func read[T Event | Exchange | Commit](r io.Reader) ([]T, error) {
	buffered := bufio.NewReaderSize(r, 1<<20)
	var all []T
	for number := 1; ; number++ {
		line, err := buffered.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("history: line %d: %w", number, err)
		}
		if number == 1 {
			var h header
			if err := json.Unmarshal(line, &h); err != nil || h.History != signature || h.Version != Version {
				return nil, fmt.Errorf("history: this is no history of version %d: the first line is %s", Version, bytes.TrimSpace(line))
			}
			continue
		}
		var e T
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("history: line %d: %w", number, err)
		}
		all = append(all, e)
	}
}

// ReadFile reads a history from a file.
func ReadFile(path string) ([]Event, error) { return readFile[Event](path) }

func readFile[T Event | Exchange | Commit](path string) ([]T, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	defer file.Close()
	all, err := read[T](file)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, path)
	}
	return all, nil
}

// WriteFile writes a whole history.
func WriteFile(path string, events []Event) error { return writeFile(path, events) }

func writeFile[T Event | Commit](path string, all []T) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	if err := encoder.Encode(header{signature, Version}); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	for _, e := range all {
		if err := encoder.Encode(e); err != nil {
			return fmt.Errorf("history: %w", err)
		}
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}
