package ensemble

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"
)

//go:embed slow.sh
var slowScript string

// Traced reports whether SlowDisk is active. It is for tests.
func (s *Server) Traced(ctx context.Context) (bool, error) {
	out, err := s.exec(ctx, "if sh /ringmaster/slow.sh held; then echo yes; else echo no; fi")
	return strings.TrimSpace(out) == "yes", err
}

// SlowDisk delays every fsync of the transaction log of a serving server, until
// FastDisk. It fails if the engine does not allow strace.
func (s *Server) SlowDisk(ctx context.Context, each time.Duration) error {
	number := strings.TrimPrefix(s.Name, serverPrefix)
	if _, err := s.exec(ctx, fmt.Sprintf("sh /ringmaster/slow.sh begin %s %d", number, each.Microseconds())); err != nil {
		return fmt.Errorf("ensemble: %s: fsyncs cannot be delayed; the engine must allow strace: %w", s.Name, err)
	}
	return nil
}

// FastDisk ends the effect of SlowDisk, if there is one.
func (s *Server) FastDisk(ctx context.Context) error {
	_, err := s.exec(ctx, "sh /ringmaster/slow.sh end")
	return err
}

// Fsyncs has the server's own counts of the fsyncs of its transaction log since its
// process began. Delayed is how many of them SlowDisk has held; FastDisk forgets them.
type Fsyncs struct {
	Count   int
	Total   time.Duration
	Delayed int
}

// Fsyncs asks the server, and counts the fsyncs that SlowDisk has held.
func (s *Server) Fsyncs(ctx context.Context) (Fsyncs, error) {
	text, err := s.FourLetterWord(ctx, "mntr")
	if err != nil {
		return Fsyncs{}, err
	}
	held, err := s.exec(ctx, `grep -cs DELAYED /ringmaster/fsyncs || true`)
	if err != nil {
		return Fsyncs{}, err
	}
	f := Fsyncs{}
	_, _ = fmt.Sscan(held, &f.Delayed) // nothing is printed if no fsync was held
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
		number, err := strconv.ParseFloat(value, 64)
		switch {
		case err != nil:
		case name == "zk_cnt_fsynctime":
			f.Count = int(number)
		case name == "zk_sum_fsynctime":
			f.Total = time.Duration(number) * time.Millisecond
		}
	}
	return f, nil
}
