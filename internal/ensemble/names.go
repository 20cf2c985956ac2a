package ensemble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// OneName is the name that stands for all servers when a profile has OneName. No other
// name server knows it (RFC 6761).
const OneName = "zookeeper.ringmaster.test"

// Names is a small name server: it knows the addresses of [OneName], and no other name.
// Each answer begins with the next address.
type Names struct {
	conn      net.PacketConn
	addresses []netip.Addr
	work      sync.WaitGroup
}

// ServeNames begins to answer on a port of this machine.
func ServeNames(addresses []netip.Addr) (*Names, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("ensemble: name server: %w", err)
	}
	n := &Names{conn: conn, addresses: addresses}
	n.work.Go(n.serve)
	return n, nil
}

// Address is the address of the name server.
func (n *Names) Address() string { return n.conn.LocalAddr().String() }

// Close ends it.
func (n *Names) Close() error {
	err := n.conn.Close()
	n.work.Wait()
	return err
}

func (n *Names) serve() {
	buffer := make([]byte, 4<<10)
	for turn := 0; ; {
		size, from, err := n.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		first := turn % len(n.addresses)
		if answer, ok := answerTo(buffer[:size], slices.Concat(n.addresses[first:], n.addresses[:first])); ok {
			turn++
			_, _ = n.conn.WriteTo(answer, from) // a client without an answer asks again
		}
	}
}

// The names are those of RFC 1035.
const (
	headerSize   = 12
	typeA        = 1
	classIN      = 1
	isResponse   = 0x8400 // and authoritative
	noSuchName   = 3
	nameOfAsking = 0xc00c // the name that the question has
	lifetime     = 1      // seconds
)

var errNoQuestion = errors.New("not one question")

// answerTo answers a query with one question; false if it is not one.
func answerTo(query []byte, addresses []netip.Addr) ([]byte, bool) {
	name, kind, end, err := question(query)
	if err != nil {
		return nil, false
	}
	flags, answers := uint16(isResponse), 0
	switch known := strings.EqualFold(name, OneName); {
	case !known:
		flags |= noSuchName
	case kind == typeA:
		answers = len(addresses)
	}
	out := append([]byte{}, query[:2]...)
	for _, field := range []uint16{flags, 1, uint16(answers), 0, 0} {
		out = binary.BigEndian.AppendUint16(out, field)
	}
	out = append(out, query[headerSize:end]...)
	for _, a := range addresses[:answers] {
		for _, field := range []uint16{nameOfAsking, typeA, classIN, 0, lifetime, 4} {
			out = binary.BigEndian.AppendUint16(out, field)
		}
		v4 := a.As4()
		out = append(out, v4[:]...)
	}
	return out, true
}

// question reads the only question of a query, and finds its end.
func question(query []byte) (name string, kind uint16, end int, err error) {
	if len(query) < headerSize || binary.BigEndian.Uint16(query[4:6]) != 1 {
		return "", 0, 0, errNoQuestion
	}
	var labels []string
	at := headerSize
	for at < len(query) && query[at] != 0 {
		next := at + 1 + int(query[at])
		if query[at] > 63 || next >= len(query) {
			return "", 0, 0, errNoQuestion
		}
		labels = append(labels, string(query[at+1:next]))
		at = next
	}
	if at+5 > len(query) {
		return "", 0, 0, errNoQuestion
	}
	return strings.Join(labels, "."), binary.BigEndian.Uint16(query[at+1 : at+3]), at + 5, nil
}
