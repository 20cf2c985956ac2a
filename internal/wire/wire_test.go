package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// recorded is one direction of a connection of go-zookeeper/zk 1.0.4 to ZooKeeper
// 3.8, as it went over the wire.
func recorded(t *testing.T, direction string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", direction+".bin"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// bodies cuts a stream whose pieces have that many bytes.
func bodies(stream []byte, size int) [][]byte {
	var f Frames
	var all [][]byte
	for len(stream) > 0 {
		n := min(size, len(stream))
		all = append(all, f.Feed(stream[:n])...)
		stream = stream[n:]
	}
	return all
}

// transcript is what a conversation makes of both directions.
func transcript(client, server [][]byte) string {
	var c Conversation
	var text strings.Builder
	for _, body := range client {
		if r, ok := c.Sent(body); ok {
			fmt.Fprintf(&text, "%d opcode %d: %s\n", r.Xid, r.Opcode, show(r.Op))
		}
	}
	for _, body := range server {
		r, ok := c.Received(body)
		if s, granted := c.Session(); !ok && granted {
			fmt.Fprintf(&text, "session granted %v, timeout %d ms\n", s.ID != 0, s.TimeoutMs)
			continue
		}
		result, err := r.Outcome()
		switch {
		case r.Xid == XidEvent:
			fmt.Fprintf(&text, "event %d %s\n", r.Event.Type, r.Event.Path)
		case err != nil:
			fmt.Fprintf(&text, "%d to %d: %v\n", r.Xid, r.Request.Opcode, err)
		default:
			fmt.Fprintf(&text, "%d to %d: %s\n", r.Xid, r.Request.Opcode, showResult(result))
		}
	}
	return text.String()
}

func show(op zkapi.Op) string {
	text := fmt.Sprintf("%v %s %q version %d mode %d watch %v", op.Kind, op.Path, op.Data, op.Version, op.Mode, op.Watch)
	for _, sub := range op.Ops {
		text += "\n    " + show(sub)
	}
	return text
}

func showResult(r zkapi.Result) string {
	text := fmt.Sprintf("path %q data %q found %v children %q version %d cversion %d owned %v children %d length %d",
		r.Path, r.Data, r.Found, r.Children, r.Stat.Version, r.Stat.Cversion, r.Stat.EphemeralOwner != 0, r.Stat.NumChildren, r.Stat.DataLength)
	for _, sub := range r.Results {
		text += "\n    " + showResult(sub)
	}
	return text
}

// TestConversation_OfARecordedConnection reads a recorded connection of the real client
// with a real server, cut at every boundary.
func TestConversation_OfARecordedConnection(t *testing.T) {
	client, server := recorded(t, "client"), recorded(t, "server")
	want, err := os.ReadFile(filepath.Join("testdata", "transcript.txt"))
	if err != nil && os.Getenv("UPDATE") == "" {
		t.Fatal(err)
	}
	whole := transcript(bodies(client, len(client)), bodies(server, len(server)))
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(filepath.Join("testdata", "transcript.txt"), []byte(whole), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if whole != string(want) {
		t.Fatalf("got\n%s\nwant\n%s", whole, want)
	}
	for size := 1; size < 64; size++ {
		if got := transcript(bodies(client, size), bodies(server, size)); got != whole {
			t.Fatalf("in pieces of %d bytes:\n%s", size, got)
		}
	}
	for at := range server {
		var f Frames
		parts := append(f.Feed(server[:at]), f.Feed(server[at:])...)
		if got := transcript(bodies(client, len(client)), parts); got != whole {
			t.Fatalf("cut after %d bytes:\n%s", at, got)
		}
	}
}

// TestConversation_IgnoresWhatItCannotRead feeds bytes that are no stream of frames, and
// every recorded frame without its end and with one byte changed. Nothing may panic or
// hang.
func TestConversation_IgnoresWhatItCannotRead(t *testing.T) {
	var f Frames
	if got := f.Feed([]byte("ruok")); got != nil || !f.Broken() || f.Feed(Frame([]byte("x"))) != nil {
		t.Errorf("a four-letter word was read as frames: %q", got)
	}
	var lost Frames
	lost.Feed([]byte{0, 0})
	lost.Break()
	if got := lost.Feed([]byte{0, 1, 'x'}); got != nil {
		t.Errorf("a stream that has lost bytes goes on: %q", got)
	}
	client, server := bodies(recorded(t, "client"), 1<<20), bodies(recorded(t, "server"), 1<<20)
	for i := range server {
		for at := range server[i] {
			damaged := append([][]byte(nil), server...)
			damaged[i] = server[i][:at]
			transcript(client, damaged)
			damaged[i] = bytes.Clone(server[i])
			damaged[i][at] ^= 0xff
			transcript(client, damaged)
		}
	}
	for i := range client {
		for at := range client[i] {
			damaged := append([][]byte(nil), client...)
			damaged[i] = client[i][:at]
			transcript(damaged, server)
			damaged[i] = bytes.Clone(client[i])
			damaged[i][at] ^= 0xff
			transcript(damaged, server)
		}
	}
}

// TestConversation_OfAnExpiredSession reads the answers to a client whose session has
// expired.
func TestConversation_OfAnExpiredSession(t *testing.T) {
	var c Conversation
	c.Sent([]byte("connect"))
	c.Received(make([]byte, 36)) // session 0
	if s, ok := c.Session(); !ok || s.ID != 0 {
		t.Errorf("session %+v, %v", s, ok)
	}
	xid := []byte{0, 0, 0, 9}
	request := append(bytes.Clone(xid), 0xff, 0xff, 0xff, 0xf5)
	if r, ok := c.Sent(request); !ok || !r.Ends() || !r.Writes() {
		t.Errorf("the end of a session was read as %+v, %v", r, ok)
	}
	reply := binary.BigEndian.AppendUint64(bytes.Clone(xid), 77)
	expired := int32(-112)
	r, ok := c.Received(binary.BigEndian.AppendUint32(reply, uint32(expired)))
	if _, err := r.Outcome(); !ok || r.Zxid != 77 || !r.Request.Ends() || !errors.Is(err, zkapi.ErrSessionEnded) {
		t.Errorf("its answer was read as %+v, %v, %v", r, ok, err)
	}
}
