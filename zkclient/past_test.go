package zkclient

import (
	"encoding/binary"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// showing serves sessions whose answers have the zxid that shows returns.
func showing(t *testing.T, shows func(opcode int32) int64) *Driver {
	t.Helper()
	var sessions atomic.Int64
	fake := newFake(t, func(_ int, c net.Conn) {
		if !greet(c, sessions.Add(1), 4000) {
			return
		}
		for {
			b, err := readPacket(c)
			if err != nil {
				return
			}
			xid, opcode := binary.BigEndian.Uint32(b[:4]), int32(binary.BigEndian.Uint32(b[4:8]))
			body := binary.BigEndian.AppendUint32(nil, xid)
			body = binary.BigEndian.AppendUint64(body, uint64(shows(opcode)))
			code := int32(noNode)
			if opcode == opcodePing || opcode == opcodeQuit || opcode == opSync {
				code = codeNoErr
			}
			body = binary.BigEndian.AppendUint32(body, uint32(code))
			if opcode == opSync {
				body = append(binary.BigEndian.AppendUint32(body, 1), '/')
			}
			writePacket(c, body)
		}
	})
	d, err := New(Config{Servers: []string{fake.address()}, SessionTimeout: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const opSync = 9

// opened opens a session, uses it once, and says how often the ensemble went back.
func opened(t *testing.T, d *Driver) int {
	t.Helper()
	s, err := d.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(t.Context()) }()
	if _, err := s.Do(t.Context(), zkapi.Exists("/x")); err != nil {
		t.Fatal(err)
	}
	times, last := zkapi.WentBack(s)
	if (times > 0) != (last != nil) {
		t.Errorf("%d times, the last: %v", times, last)
	}
	return times
}

func TestWentBack_CountsANewSessionThatShowsLessOnce(t *testing.T) {
	var zxid atomic.Int64
	d := showing(t, func(int32) int64 { return zxid.Load() })
	for _, step := range []struct {
		zxid int64
		want int
	}{{100, 0}, {101, 0}, {50, 1}, {50, 1}, {60, 1}, {59, 2}, {200, 2}} {
		zxid.Store(step.zxid)
		if got := opened(t, d); got != step.want {
			t.Errorf("zxid %d: the ensemble went back %d times, want %d", step.zxid, got, step.want)
		}
	}
}

// TestWentBack_IgnoresALaggingServer: with local sessions a follower that lags may
// grant one. A sync brings it up to date.
func TestWentBack_IgnoresALaggingServer(t *testing.T) {
	var zxid atomic.Int64
	d := showing(t, func(opcode int32) int64 {
		if opcode == opSync {
			zxid.Store(120)
		}
		return zxid.Load()
	})
	for _, shows := range []int64{100, 50} {
		zxid.Store(shows)
		if got := opened(t, d); got != 0 {
			t.Errorf("zxid %d: the ensemble went back %d times", shows, got)
		}
	}
}

// TestForgottenSession_EndsAndSaysWhy: the servers take no connection of a session that
// has seen more than they have.
func TestForgottenSession_EndsAndSaysWhy(t *testing.T) {
	fake := newFake(t, func(number int, c net.Conn) {
		if number > 1 {
			refuseHandshake(c)
			return
		}
		if !greet(c, 77, 3000) {
			return
		}
		if b, err := readPacket(c); err == nil {
			_, _ = c.Write(asked{xid: int32(binary.BigEndian.Uint32(b[:4]))}.coded(noNode))
		}
	})
	d, err := New(Config{Servers: []string{fake.address()}, SessionTimeout: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(t.Context()) }()
	_, _ = s.Do(t.Context(), zkapi.Exists("/x"))
	if _, err := d.Wait(t.Context(), s.Done()); err != nil {
		t.Fatal(err)
	}
	if cause := s.Cause(); !errors.Is(cause, ErrForgotten) || !errors.Is(cause, ErrLeaseEnded) {
		t.Errorf("the cause is %v", cause)
	}
}
