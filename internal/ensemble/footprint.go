package ensemble

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Footprint is what the tree costs one server.
type Footprint struct {
	Heap     int64 // bytes of the Java heap that are in use after a full collection
	Znodes   int64 // zk_znode_count of mntr, ZooKeeper's own ones included
	Data     int64 // zk_approximate_data_size of mntr: bytes of paths and data
	Watches  int64 // zk_watch_count of mntr
	Snapshot int64 // bytes of the newest snapshot; 0 if there is none
	Log      int64 // bytes of all transaction logs, with the space that is allocated for more
}

// histogram has a Java process collect its garbage and list what is alive, as
// `jcmd PID GC.class_histogram` does. The image has no JDK, so perl speaks the protocol of
// jcmd: a file and a signal make the process listen on a socket. The last line is
// "Total INSTANCES BYTES".
const histogram = `pid=$(cat /ringmaster/pid) && socket=/tmp/.java_pid$pid
if [ ! -e $socket ]; then
	touch /tmp/.attach_pid$pid && kill -QUIT $pid
	for try in $(seq 100); do [ -e $socket ] && break; sleep 0.1; done
fi
perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0) && connect(S, sockaddr_un($ARGV[0])) || die "$!"; syswrite(S, join("\0", 1, "jcmd", "GC.class_histogram", "", "") . "\0"); print while <S>' $socket | tail -n 1`

// sizes prints the bytes of the newest snapshot and of all logs.
const sizes = `cd /data/version-2 && newest=$(ls -t snapshot.* 2>/dev/null | head -n 1)
echo $(stat -c %s $newest /dev/null | head -n 1) $(cat ` + logFolder + `/version-2/log.* 2>/dev/null | wc -c)`

// Footprint measures. The server stands still for the time of a full collection.
func (s *Server) Footprint(ctx context.Context) (f Footprint, err error) {
	for name, at := range map[string]*int64{"zk_znode_count": &f.Znodes, "zk_approximate_data_size": &f.Data, "zk_watch_count": &f.Watches} {
		if *at, err = s.counter(ctx, name); err != nil {
			return f, err
		}
	}
	out, err := s.exec(ctx, histogram)
	if err != nil {
		return f, err
	}
	var instances int64
	if _, err := fmt.Sscanf(out, "Total %d %d", &instances, &f.Heap); err != nil {
		return f, fmt.Errorf("ensemble: %s: the histogram of its heap ends with %q: %w", s.Name, out, err)
	}
	if out, err = s.exec(ctx, sizes); err == nil {
		_, err = fmt.Sscan(out, &f.Snapshot, &f.Log)
	}
	if err != nil {
		return f, fmt.Errorf("ensemble: %s: the sizes of its files, %q: %w", s.Name, out, err)
	}
	return f, nil
}

// counter is a whole number of mntr.
func (s *Server) counter(ctx context.Context, name string) (int64, error) {
	text, err := s.FourLetterWord(ctx, "mntr")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		if is, value, _ := strings.Cut(strings.TrimSpace(line), "\t"); is == name {
			return strconv.ParseInt(value, 10, 64)
		}
	}
	return 0, fmt.Errorf("ensemble: %s: mntr has no %s", s.Name, name)
}

// Reload ends the server in good order, starts it again, and returns how long it took from
// the start until it serves. A server that stands alone has written a snapshot then.
func (s *Server) Reload(ctx context.Context) (time.Duration, error) {
	if err := s.Quit(ctx); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := s.Restart(ctx); err != nil {
		return 0, err
	}
	err := poll(ctx, s.Name+" serves", func() bool { _, err := s.Status(ctx); return err == nil })
	return time.Since(began), err
}
