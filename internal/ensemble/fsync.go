package ensemble

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// slowScript has strace hold every fsync of the thread that writes the transaction
// log. Each election makes a new one, hence the loop. $1 is the number of the server,
// $2 how long, in microseconds.
const slowScript = `
command -v strace >/dev/null || { echo "the image has no strace" >&2; exit 1; }
cd /ringmaster
: >fsyncs
touch slow
while [ -e slow ]; do
	for task in /proc/$(cat pid)/task/*; do
		if [ "$(cat $task/comm)" = SyncThread:$1 ]; then
			strace -qq -p ${task##*/} -A -o fsyncs -e signal=none -e trace=fsync,fdatasync -e inject=fsync,fdatasync:delay_enter=$2
		fi
	done
	sleep 0.1
done 2>strace.log </dev/null >/dev/null &
echo $! >slow.pid
for i in $(seq 50); do
	if ` + traced + `; then exit 0; fi
	sleep 0.1
done
cat strace.log >&2
exit 1
`

// traced is true while strace holds a thread of the server.
const traced = `grep -qs "^TracerPid:.*[1-9]" /proc/$(cat /ringmaster/pid)/task/*/status`

// Traced reports whether SlowDisk is at work.
func (s *Server) Traced(ctx context.Context) (bool, error) {
	out, err := s.exec(ctx, "if "+traced+"; then echo yes; else echo no; fi")
	return strings.TrimSpace(out) == "yes", err
}

// SlowDisk delays every fsync of the server's transaction log until FastDisk. It fails
// where the engine does not let strace do that.
func (s *Server) SlowDisk(ctx context.Context, each time.Duration) error {
	number := strings.TrimPrefix(s.Name, serverPrefix)
	if _, err := s.exec(ctx, "set -- "+number+" "+strconv.FormatInt(each.Microseconds(), 10)+slowScript); err != nil {
		return fmt.Errorf("ensemble: %s: fsyncs cannot be delayed here: %w", s.Name, err)
	}
	return nil
}

// FastDisk ends what SlowDisk has begun, if it has.
func (s *Server) FastDisk(ctx context.Context) error {
	_, err := s.exec(ctx, `cd /ringmaster
rm -f slow
while [ -e slow.pid ] && kill -0 $(cat slow.pid) 2>/dev/null; do pkill -x strace; sleep 0.05; done
rm -f slow.pid fsyncs`)
	return err
}

// Fsyncs is what a server says of the fsyncs of its transaction log since its process
// began, and Delayed how many of them SlowDisk has held; FastDisk forgets them.
type Fsyncs struct {
	Count   int
	Total   time.Duration
	Delayed int
}

// Fsyncs asks the server, and counts what SlowDisk has held.
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
	_, _ = fmt.Sscan(held, &f.Delayed) // nothing is printed where nothing was held
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
