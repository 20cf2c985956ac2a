package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/queue"
)

// line is a line of standard input without its end.
type line struct {
	number int // the first is 1
	text   []byte
	long   bool   // it is longer than what is submitted, and text is its beginning
	id     string // of its task, which may be there already; otherwise empty
}

// wrong says which line an error is about.
func (l line) wrong(err error) error {
	return fmt.Errorf("line %d %q: %w", l.number, clip(string(l.text), 40), err)
}

// input is standard input, line by line, until ctx ends.
type input struct {
	all chan line
	err error // when all is closed
}

// readLines reads lines of at most longest bytes in full. Of a longer one it keeps the
// beginning, and goes on with the next.
func readLines(ctx context.Context, r io.Reader, longest int) *input {
	in := &input{all: make(chan line)}
	scanned := make(chan line)
	var problem error
	go func() { // a terminal may never end it; the process does
		defer close(scanned)
		lines := bufio.NewReader(r)
		for n := 1; ; n++ {
			text, long, err := readLine(lines, longest)
			if err == nil || len(text) > 0 {
				select {
				case scanned <- line{number: n, text: text, long: long}:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					problem = err
				}
				return
			}
		}
	}()
	go func() {
		defer close(in.all)
		for {
			select {
			case l, more := <-scanned:
				if !more {
					in.err = problem
					return
				}
				in.all <- l
			case <-ctx.Done():
				return
			}
		}
	}()
	return in
}

// together waits for a line, and returns it with those that come right behind it: as many as one
// write of a queue puts. It returns none at the end.
func (in *input) together() (group []line) {
	first, more := <-in.all
	if !more {
		return nil
	}
	group = append(group, first)
	pause := time.NewTimer(rightBehind)
	defer pause.Stop()
	for len(group) < queue.MostAtOnce {
		select {
		case l, more := <-in.all:
			if !more {
				return group
			}
			group = append(group, l)
		case <-pause.C:
			return group
		}
	}
	return group
}

// rightBehind is how long a line waits for others, to be put with them in one write.
const rightBehind = 5 * time.Millisecond

// readLine reads up to the end of a line, which is not part of the text.
func readLine(r *bufio.Reader, longest int) (text []byte, long bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if room := longest + len("\r\n") - len(text); len(part) > room { // the rest is read, too
			long, part = true, part[:room]
		}
		text = append(text, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if !long {
			text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
			long = len(text) > longest
		}
		return text, long, err
	}
}
