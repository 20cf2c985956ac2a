package zkclient

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The limits in the zoo.cfg that ZooKeeper is shipped with, in ticks, and the shortest
// session timeout that a server grants by default.
const (
	shippedInitLimit = 10
	shippedSyncLimit = 5
	shippedLeast     = 2
)

// assume returns the times of a server if only its tickTime was configured. It does not see a
// configured minSessionTimeout or syncLimit.
func (d *Driver) assume(ctx context.Context, address target) (Timing, error) {
	least, err := d.leastTimeout(ctx, address)
	if err != nil {
		return Timing{}, err
	}
	t := Timing{Server: address.String(), Tick: least / shippedLeast, InitLimit: shippedInitLimit, SyncLimit: shippedSyncLimit, Least: least, Assumed: true}
	if answer, err := d.ask(ctx, address, "srvr"); err == nil && strings.Contains(answer, "\nMode: standalone\n") {
		t.InitLimit, t.SyncLimit = 0, 0
	}
	return t, nil
}

// leastTimeout asks for a session with a timeout of a millisecond, and returns the granted
// timeout, which is the shortest. It closes the session again.
func (d *Driver) leastTimeout(ctx context.Context, address target) (least time.Duration, err error) {
	err = d.talk(ctx, address, func(conn net.Conn) error {
		if _, err := conn.Write(connectRequest(time.Millisecond)); err != nil {
			return err
		}
		g, err := readAnswer(conn)
		if err != nil {
			return err
		}
		if g.version != 0 || g.session == 0 || g.timeout <= 0 || g.timeout > longestTick {
			return fmt.Errorf("%w: it granted session 0x%x a timeout of %v", zkapi.ErrNotZooKeeper, g.session, g.timeout)
		}
		least = g.timeout
		if _, err := conn.Write(quit); err == nil {
			_, _ = io.CopyN(io.Discard, conn, 1) // the session is closed when this is answered
		}
		return nil
	})
	return least, err
}

// quit is the frame that closes a session: its size, an xid, and the opcode -11.
var quit = []byte{0, 0, 0, 8, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xf5}

// connectRequest is the frame that asks for a new session.
func connectRequest(timeout time.Duration) []byte {
	body := binary.BigEndian.AppendUint32(nil, 0) // version of the protocol
	body = binary.BigEndian.AppendUint64(body, 0) // last zxid that was seen
	body = binary.BigEndian.AppendUint32(body, uint32(timeout.Milliseconds()))
	body = binary.BigEndian.AppendUint64(body, 0) // session: a new one
	body = binary.BigEndian.AppendUint32(body, passwordBytes)
	body = append(body, make([]byte, passwordBytes+1)...) // password, and not read-only
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// readAnswer reads the answer to a connectRequest.
func readAnswer(conn net.Conn) (connectResponse, error) {
	const most = 64
	size := make([]byte, 4)
	if _, err := io.ReadFull(conn, size); err != nil {
		return connectResponse{}, err
	}
	n := binary.BigEndian.Uint32(size)
	if n > most {
		return connectResponse{}, fmt.Errorf("%w: its answer to the handshake has %d bytes", zkapi.ErrNotZooKeeper, n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(conn, body); err != nil {
		return connectResponse{}, err
	}
	g, ok := readConnectResponse(body)
	if !ok {
		return connectResponse{}, fmt.Errorf("%w: its answer to the handshake has %d bytes", zkapi.ErrNotZooKeeper, n)
	}
	return g, nil
}
