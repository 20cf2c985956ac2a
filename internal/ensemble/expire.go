package ensemble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// ErrSessionGone means that a session had ended before it could be touched.
var ErrSessionGone = errors.New("the session is gone already")

// ErrUnanswered means that a request to end a session was sent and not answered.
var ErrUnanswered = errors.New("sent, and not answered")

// Expire ends a session as its own timeout would: a second connection takes the session
// over with its id and password, and closes it. The owner finds out when it connects
// again. A nil error means that the server confirmed the end. The number is then its
// place in ZooKeeper's order (zxid).
func Expire(ctx context.Context, server string, s Session) (int64, error) {
	conn, err := takeOver(ctx, server, s)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := authenticate(conn, s.Secret); err != nil {
		return 0, fmt.Errorf("ensemble: expire 0x%x: %w", s.ID, err)
	}
	const closeXid, closeOpcode = 1, -11
	if err := writePacket(conn, beInt32(closeXid), beInt32(closeOpcode)); err != nil {
		return 0, fmt.Errorf("ensemble: expire 0x%x: %w", s.ID, err)
	}
	reply, err := readPacket(conn)
	if err != nil {
		return 0, fmt.Errorf("ensemble: expire 0x%x: %w: %w", s.ID, ErrUnanswered, err)
	}
	if len(reply) < 16 || int32(binary.BigEndian.Uint32(reply[12:16])) != 0 {
		return 0, fmt.Errorf("ensemble: expire 0x%x: refused: % x", s.ID, reply)
	}
	return int64(binary.BigEndian.Uint64(reply[4:12])), nil
}

// authenticate shows user and password, if there are any.
func authenticate(conn net.Conn, secret string) error {
	if secret == "" {
		return nil
	}
	const authXid, authOpcode, anyType, scheme = -4, 100, 0, "digest"
	err := writePacket(conn, beInt32(authXid), beInt32(authOpcode), beInt32(anyType),
		beInt32(int32(len(scheme))), []byte(scheme), beInt32(int32(len(secret))), []byte(secret))
	if err != nil {
		return err
	}
	reply, err := readPacket(conn)
	if err == nil && (len(reply) < 16 || int32(binary.BigEndian.Uint32(reply[12:16])) != 0) {
		err = fmt.Errorf("credentials refused: % x", reply)
	}
	return err
}

// SessionAlive asks a server whether a session still exists. The question moves the
// session to this connection, so it is for sessions that are believed to be gone.
func SessionAlive(ctx context.Context, server string, s Session) (bool, error) {
	conn, err := takeOver(ctx, server, s)
	if errors.Is(err, ErrSessionGone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, conn.Close()
}

// takeOver connects to an existing session.
func takeOver(ctx context.Context, server string, s Session) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", server)
	if err != nil {
		return nil, fmt.Errorf("ensemble: take over 0x%x: %w", s.ID, err)
	}
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	const protocol, timeoutMs = 0, 4000
	err = writePacket(conn, beInt32(protocol), beInt64(0), beInt32(timeoutMs), beInt64(s.ID), beInt32(16), s.Password[:])
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ensemble: take over 0x%x: %w", s.ID, err), conn.Close())
	}
	reply, err := readPacket(conn)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ensemble: take over 0x%x: %w", s.ID, err), conn.Close())
	}
	if len(reply) < 16 || int64(binary.BigEndian.Uint64(reply[8:16])) != s.ID {
		return nil, errors.Join(fmt.Errorf("ensemble: 0x%x: %w", s.ID, ErrSessionGone), conn.Close())
	}
	return conn, nil
}

func beInt32(v int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
func beInt64(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }

func writePacket(w io.Writer, fields ...[]byte) error {
	var body []byte
	for _, field := range fields {
		body = append(body, field...)
	}
	_, err := w.Write(append(beInt32(int32(len(body))), body...))
	return err
}

func readPacket(r io.Reader) ([]byte, error) {
	var prefix [4]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(prefix[:])
	if length > 1<<20 {
		return nil, fmt.Errorf("packet of %d bytes", length)
	}
	body := make([]byte, length)
	_, err := io.ReadFull(r, body)
	return body, err
}
