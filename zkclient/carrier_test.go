package zkclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// asks is a read of a multiRead that has reached a fake server.
type asks struct {
	opcode int32
	path   string
}

func (a asked) reads() (all []asks) {
	d := jute.Decoder{Rest: a.body}
	for {
		opcode, done, _ := d.Int32(), d.Bool(), d.Int32()
		if done || d.Bad {
			return all
		}
		all = append(all, asks{opcode, d.String()})
		d.Bool()
	}
}

// statOfChildren is the Stat of a znode with so many children, the last of which changed at pzxid.
func statOfChildren(pzxid int64, children int32) []byte {
	var e jute.Encoder
	e.Bytes = make([]byte, 56)
	e.Int32(children)
	e.Int64(pzxid)
	return e.Bytes
}

// good is the answer to a read of a znode whose data is its path, and which has no children.
func (r asks) good() []byte {
	if r.opcode == opcodeList {
		return part(opcodeList, be32(0)...)
	}
	var e jute.Encoder
	e.String(r.path)
	return part(opcodeGet, append(e.Bytes, statOfChildren(1, 0)...)...)
}

// answerReads answers a multiRead with a part for each read.
func (a asked) answerReads(each func(i int, r asks) []byte) []byte {
	var body []byte
	for i, r := range a.reads() {
		body = append(body, each(i, r)...)
	}
	return a.coded(codeNoErr, partOf(body, -1, true, -1)...)
}

func good(_ int, r asks) []byte { return r.good() }

// knowing answers as usual, and knows multiRead and gets.
func (a asked) knowing() []byte {
	switch a.opcode {
	case opcodeMultiRead:
		return a.answerReads(good)
	case opcodeGet:
		d := jute.Decoder{Rest: a.body}
		return a.coded(codeNoErr, asks{opcodeGet, d.String()}.good()[partBytes:]...)
	}
	return a.usual()
}

// someGets are n reads.
func someGets(n int) (ops []zkapi.Op) {
	for i := range n {
		ops = append(ops, zkapi.Get(fmt.Sprint("/n-", i)))
	}
	return ops
}

// allRead checks that each get has its data.
func allRead(t *testing.T, what string, ops []zkapi.Op, replies []zkapi.Reply) {
	t.Helper()
	for i, r := range replies {
		if r.Err != nil || ops[i].Kind == zkapi.KindGet && string(r.Data) != ops[i].Path {
			t.Errorf("%s: %v %s has %q, %v", what, ops[i].Kind, ops[i].Path, r.Data, r.Err)
		}
	}
}

// TestWire_GivesEachBundleItsAnswer has two multiReads under way, of the same length.
func TestWire_GivesEachBundleItsAnswer(t *testing.T) {
	s := &session{past: &zxidMemory{}, done: newLatch(), next: newLatch()}
	mine, theirs := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, theirs) }()
	defer mine.Close()
	w := newWire(mine, s, target{}, time.Now().Add(time.Hour))
	w.ready, w.connectSent, w.knows[multiRead] = true, true, known
	bundles := map[int32]*bundle{}
	for xid := range int32(2) {
		b := newBundle([]zkapi.Op{zkapi.Get(fmt.Sprint("/first-", xid)), zkapi.Get(fmt.Sprint("/second-", xid))})
		bundles[xid] = b
		w.send(b.frame(xid), &request{opcode: opcodeMultiRead, parts: b.opcodes, bundle: b})
	}
	for xid, b := range bundles {
		a := asked{xid: xid, body: b.frame(xid)[prefixBytes+8:]}
		w.frame = a.answerReads(good)
		if pass, err := w.received(w.frame[prefixBytes:]); !pass || err != nil {
			t.Fatal(err)
		}
		h, _ := readHead(w.frame[prefixBytes:])
		if h.xid != xid || h.code != noNode || len(w.frame) != prefixBytes+headBytes {
			t.Errorf("the library gets %x", w.frame)
		}
	}
	for _, b := range bundles {
		replies, again := b.replies()
		if allRead(t, "a bundle", b.ops, replies); b.outcome != bundleAnswered || len(again) > 0 {
			t.Errorf("its outcome is %v", b.outcome)
		}
	}
}

// badReads are answers to a multiRead of some gets that no ZooKeeper gives.
var badReads = map[string]func(asked) []byte{
	"nothing": func(a asked) []byte { return a.coded(codeNoErr) },
	"one too few": func(a asked) []byte {
		return a.answerReads(func(i int, r asks) []byte { return r.good()[:min(i, 1)*len(r.good())] })
	},
	"one too many": func(a asked) []byte {
		return a.answerReads(func(i int, r asks) []byte { return bytes.Repeat(r.good(), 1+max(0, 1-i)) })
	},
	"a list for data": func(a asked) []byte {
		return a.answerReads(func(int, asks) []byte { return part(opcodeList, be32(0)...) })
	},
	"a refusal for 0": func(a asked) []byte {
		return a.answerReads(func(int, asks) []byte { return part(opcodeRefused, be32(0)...) })
	},
	"half a refusal": func(a asked) []byte { return a.coded(codeNoErr, part(opcodeRefused, 1, 2)...) },
	"data of 2^31-1": func(a asked) []byte {
		return a.answerReads(func(int, asks) []byte { return part(opcodeGet, be32(1<<31-1)...) })
	},
	"data of -2": func(a asked) []byte {
		return a.answerReads(func(int, asks) []byte { return part(opcodeGet, append(be32(-2), stat...)...) })
	},
	"data without a Stat": func(a asked) []byte { return a.coded(codeNoErr, part(opcodeGet, be32(0)...)...) },
	"no end": func(a asked) []byte {
		b := a.answerReads(good)
		return a.coded(codeNoErr, b[prefixBytes+headBytes:len(b)-partBytes]...)
	},
	"an end in the middle": func(a asked) []byte {
		return a.coded(codeNoErr, append(partOf(a.reads()[0].good(), -1, true, -1), a.reads()[0].good()...)...)
	},
	"a part of a write": func(a asked) []byte { return a.answerReads(func(int, asks) []byte { return part(opcodeDelete) }) },
}

// TestWire_RefusesMisshapenReads: such an answer is not read at all, nor is part of it. The
// connection is lost, as with every nonsense, and the next one serves.
func TestWire_RefusesMisshapenReads(t *testing.T) {
	for name, bad := range badReads {
		t.Run(name, func(t *testing.T) {
			server := newFake(t, func(number int, c net.Conn) {
				if !greet(c, 0xA, 10000) {
					return
				}
				many := 0
				serve(c, func(a asked) []byte {
					if a.opcode == opcodeMultiRead {
						many++
					}
					if number == 1 && a.opcode == opcodeMultiRead && many == 2 {
						return bad(a)
					}
					return a.knowing()
				})
			})
			s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 10 * time.Second})
			ops := someGets(firstReads)
			allRead(t, "at first", ops, s.DoAll(t.Context(), ops))
			for i, r := range s.DoAll(t.Context(), ops) {
				if zkapi.FateOf(r.Err) != zkapi.Unknown || !errors.Is(r.Err, zkapi.ErrConnectionLoss) || !strings.Contains(r.Err.Error(), zkapi.ErrNotZooKeeper.Error()) || !strings.Contains(r.Err.Error(), ops[i].Path) {
					t.Errorf("%q, %v", r.Data, r.Err)
				}
			}
			allRead(t, "on the next connection", ops, s.DoAll(t.Context(), ops))
			if server.accepted.Load() != 2 {
				t.Errorf("there were %d connections", server.accepted.Load())
			}
		})
	}
}

// TestCarry_TakesAFirstMisshapenAnswerForLacking: a server of 3.4 may answer what it does not
// know with code 0.
func TestCarry_TakesAFirstMisshapenAnswerForLacking(t *testing.T) {
	for name, bad := range badReads {
		t.Run(name, func(t *testing.T) {
			many := 0
			server := newFake(t, func(_ int, c net.Conn) {
				if greet(c, 0xA, 10000) {
					serve(c, func(a asked) []byte {
						if a.opcode == opcodeMultiRead {
							many++
							return bad(a)
						}
						return a.knowing()
					})
				}
			})
			s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 10 * time.Second})
			ops := someGets(20)
			for range 3 {
				allRead(t, name, ops, s.DoAll(t.Context(), ops))
			}
			if many != 1 || server.accepted.Load() != 1 {
				t.Errorf("%d multiReads on %d connections", many, server.accepted.Load())
			}
		})
	}
}

// slowWriter answers writes late, and what it is asked meanwhile before them. It answers a
// multiRead by refuse, and closes the connection, at once.
func slowWriter(o *observed, refuse func(asked) []byte) func(net.Conn) {
	return func(c net.Conn) {
		if !greet(c, 0xA, 20000) {
			return
		}
		var late sync.WaitGroup
		defer late.Wait()
		serve(c, func(a asked) []byte {
			o.note(a.opcode)
			switch a.opcode {
			case opcodeMultiRead:
				_, _ = c.Write(refuse(a))
				_ = c.Close()
				return nil
			case opcodeCreate:
				late.Go(func() {
					time.Sleep(time.Second)
					_, _ = c.Write(a.usual())
				})
				return []byte{}
			}
			return a.knowing()
		})
	}
}

// note notes a request that has reached a fake server.
func (o *observed) note(opcode int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.opcodes) == 0 {
		o.opcodes = append(o.opcodes, nil)
	}
	o.opcodes[0] = append(o.opcodes[0], opcode)
}

// TestCarry_MakesNoWriteDoubtful: a server that lacks multiRead refuses it before it answers
// earlier writes, and closes the connection. Neither the writes before nor those behind are
// unknown then.
func TestCarry_MakesNoWriteDoubtful(t *testing.T) {
	for what, refuse := range map[string]func(asked) []byte{
		"refuses and closes": func(a asked) []byte { return a.coded(codeUnimplemented) },
		"closes":             func(asked) []byte { return nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			var o observed
			e := &ensembleOf{serves: map[string]func(net.Conn){"zk:1": slowWriter(&o, refuse)}}
			s, _ := openIn(t, e.driver(t, Config{Servers: []string{"zk:1"}, SessionTimeout: 20 * time.Second}, nil))
			var writes sync.WaitGroup
			write := func() {
				writes.Go(func() {
					if _, err := s.Do(t.Context(), zkapi.Create("/x", nil, zkapi.Persistent)); err != nil {
						t.Errorf("a server that %s: a write is %v", what, err)
					}
				})
				synctest.Wait()
			}
			write()
			ops := someGets(40)
			var reads sync.WaitGroup
			reads.Go(func() { allRead(t, "a server that "+what, ops, s.DoAll(t.Context(), ops)) })
			synctest.Wait()
			for range 30 { // more than the library's queue has
				write()
			}
			reads.Wait()
			writes.Wait()
			allRead(t, "once more", ops, s.DoAll(t.Context(), ops))
			if n := o.count(opcodeMultiRead); n != 1 || len(e.tried()) != 2 {
				t.Errorf("a server that %s: it was tried %d times on %d connections", what, n, len(e.tried()))
			}
		})
	}
}

// TestCarry_TriesAServerThatClosesThreeTimes: a connection may end by chance, so the server is
// tried again after a while, but not for ever.
func TestCarry_TriesAServerThatClosesThreeTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o observed
		e := &ensembleOf{serves: map[string]func(net.Conn){"zk:1": slowWriter(&o, func(asked) []byte { return nil })}}
		s, _ := openIn(t, e.driver(t, Config{Servers: []string{"zk:1"}, SessionTimeout: 20 * time.Second}, nil))
		for i := range 10 {
			allRead(t, fmt.Sprint("time ", i), someGets(20), s.DoAll(t.Context(), someGets(20)))
			if n := o.count(opcodeMultiRead); n != min(i/2+1, lackTimes) {
				t.Errorf("time %d: it was tried %d times", i, n)
			}
			time.Sleep(lackPause/2 + time.Second)
		}
	})
}

// TestCarry_FollowsTheCredentials: on each connection they come first.
func TestCarry_FollowsTheCredentials(t *testing.T) {
	var mu sync.Mutex
	var opcodes [][]int32
	server := newFake(t, func(number int, c net.Conn) {
		if !greet(c, 0xA, 10000) {
			return
		}
		mu.Lock()
		opcodes = append(opcodes, nil)
		mu.Unlock()
		many := 0
		serve(c, func(a asked) []byte {
			mu.Lock()
			opcodes[number-1] = append(opcodes[number-1], a.opcode)
			mu.Unlock()
			if a.opcode == opcodeMultiRead {
				if many++; many == 3 && number < 4 {
					return nil
				}
			}
			return a.knowing()
		})
	})
	s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 10 * time.Second, Credentials: []Credential{Digest("a", "1"), Digest("b", "2")}})
	for server.accepted.Load() < 4 {
		s.DoAll(t.Context(), someGets(40))
	}
	allRead(t, "at last", someGets(40), s.DoAll(t.Context(), someGets(40)))
	mu.Lock()
	defer mu.Unlock()
	for i, all := range opcodes {
		all = slices.DeleteFunc(all, func(opcode int32) bool { return opcode == opcodePing })
		if len(all) < 3 || !slices.Equal(all[:2], []int32{opcodeAuth, opcodeAuth}) || !slices.Contains(all[2:], opcodeMultiRead) {
			t.Errorf("connection %d has %v", i+1, all)
		}
	}
}

// TestDoAll_ReadsOfALostConnection have the error of each read whose connection is lost. The
// next ones are on the next connection.
func TestDoAll_ReadsOfALostConnection(t *testing.T) {
	server := newFake(t, func(number int, c net.Conn) {
		if !greet(c, 0xA, 10000) {
			return
		}
		many := 0
		serve(c, func(a asked) []byte {
			if a.opcode == opcodeMultiRead {
				if many++; many == 2 && number == 1 {
					return nil
				}
			}
			return a.knowing()
		})
	})
	s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 10 * time.Second})
	ops := someGets(firstReads)
	allRead(t, "at first", ops, s.DoAll(t.Context(), ops))
	for _, r := range s.DoAll(t.Context(), ops) {
		if zkapi.FateOf(r.Err) != zkapi.Unknown || !errors.Is(r.Err, zkapi.ErrConnectionLoss) {
			t.Errorf("%q, %v", r.Data, r.Err)
		}
	}
	if n := s.gets.size(1); n != firstReads/2 {
		t.Errorf("the next multiRead has %d reads", n)
	}
	allRead(t, "then", ops, s.DoAll(t.Context(), ops))
}

// TestDoAll_AsksForLessAfterATooLongAnswer: the connection stays.
func TestDoAll_AsksForLessAfterATooLongAnswer(t *testing.T) {
	var sizes []int
	server := newFake(t, func(_ int, c net.Conn) {
		if !greet(c, 0xA, 30000) {
			return
		}
		serve(c, func(a asked) []byte {
			if a.opcode == opcodeMultiRead {
				sizes = append(sizes, len(a.reads()))
				if n := len(a.reads()); n > 2 {
					answer := a.answerReads(good)
					const rest = maxAnswer // of a kind that fits, so that only its length is wrong
					copy(answer, be32(int32(len(answer)-prefixBytes+rest)))
					return append(answer, make([]byte, rest)...)
				}
			}
			return a.knowing()
		})
	})
	s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 30 * time.Second})
	ops := someGets(firstReads)
	for range 3 {
		allRead(t, "always", ops, s.DoAll(t.Context(), ops))
	}
	if server.accepted.Load() != 1 || sizes[0] != firstReads || !slices.Contains(sizes, 2) {
		t.Errorf("multiReads of %v reads, on %d connections", sizes, server.accepted.Load())
	}
}

// TestDoAll_AsksAgainForAListThatChanged has a list and a Stat that are not of one moment, as far
// as the client can know.
func TestDoAll_AsksAgainForAListThatChanged(t *testing.T) {
	const seen = 7 // by each answer of the fake server
	for what, c := range map[string]struct {
		pzxid    int64
		children int32
		again    bool
	}{"is old": {seen, 0, false}, "has changed since": {seen + 1, 0, true}, "has another length": {seen, 1, true}} {
		var mu sync.Mutex
		again := 0
		server := newFake(t, func(_ int, conn net.Conn) {
			if greet(conn, 0xA, 10000) {
				serve(conn, func(a asked) []byte {
					switch a.opcode {
					case opcodeMultiRead:
						return a.answerReads(func(_ int, r asks) []byte {
							if r.opcode == opcodeGet {
								return part(opcodeGet, append(be32(0), statOfChildren(c.pzxid, c.children)...)...)
							}
							return r.good()
						})
					case opcodeChildren:
						mu.Lock()
						again++
						mu.Unlock()
						return a.coded(codeNoErr, append(be32(0), statOfChildren(99, 0)...)...)
					}
					return a.usual()
				})
			}
		})
		s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 10 * time.Second})
		if _, err := s.Do(t.Context(), zkapi.Sync("/")); !errors.Is(err, zkapi.ErrNoNode) {
			t.Fatal(err)
		}
		for _, r := range s.DoAll(t.Context(), []zkapi.Op{zkapi.Children("/a"), zkapi.Children("/b")}) {
			if r.Err != nil || (r.Stat.Pzxid == 99) != c.again {
				t.Errorf("a list that %s: %+v, %v", what, r.Stat, r.Err)
			}
		}
		mu.Lock()
		if (again == 2) != c.again {
			t.Errorf("a list that %s: it was asked for %d times by itself", what, again)
		}
		mu.Unlock()
	}
}

// TestCarry_PingsWhileItWaits: a server that does not answer the first multiRead is left, and
// the session goes on.
func TestCarry_PingsWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pings := 0
		e := &ensembleOf{serves: map[string]func(net.Conn){"zk:1": func(c net.Conn) {
			if greet(c, 0xA, 6000) {
				serve(c, func(a asked) []byte {
					switch a.opcode {
					case opcodeMultiRead:
						return []byte{}
					case opcodePing:
						pings++
					}
					return a.knowing()
				})
			}
		}}}
		s, _ := openIn(t, e.driver(t, Config{Servers: []string{"zk:1"}, SessionTimeout: 6 * time.Second}, nil))
		allRead(t, "a server without an answer", someGets(20), s.DoAll(t.Context(), someGets(20)))
		if s.Done().Fired() || pings < 3 || len(e.tried()) != 2 {
			t.Errorf("%d pings, %d connections, %v", pings, len(e.tried()), s.Cause())
		}
	})
}

// TestCarry_EndsWithTheSession: a session that is closed does not wait for the first multiRead.
func TestCarry_EndsWithTheSession(t *testing.T) {
	for _, blocked := range []int32{opcodeMultiRead, opcodeSync} { // it waits for its answer, and for that of an earlier request
		synctest.Test(t, func(t *testing.T) {
			e := &ensembleOf{serves: map[string]func(net.Conn){"zk:1": func(c net.Conn) {
				if greet(c, 0xA, 60000) {
					serve(c, func(a asked) []byte {
						if a.opcode == blocked {
							return []byte{}
						}
						return a.knowing()
					})
				}
			}}}
			s, _ := openIn(t, e.driver(t, Config{Servers: []string{"zk:1"}, SessionTimeout: time.Minute}, nil))
			if blocked == opcodeSync {
				go func() { _, _ = s.Do(t.Context(), zkapi.Sync("/")) }()
				synctest.Wait()
			}
			replies := make(chan []zkapi.Reply, 1)
			go func() { replies <- s.DoAll(t.Context(), someGets(20)) }()
			synctest.Wait()
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
			for _, r := range <-replies {
				if !errors.Is(r.Err, zkapi.ErrSessionEnded) {
					t.Errorf("%q, %v", r.Data, r.Err)
				}
			}
		})
	}
}

// TestCarrier_IsNeverSent: the path of a carrier does not reach a server, also if no call waits
// for its bundle any more, and also if a user asks for that path.
func TestCarrier_IsNeverSent(t *testing.T) {
	var mu sync.Mutex
	var paths []string
	server := newFake(t, func(_ int, c net.Conn) {
		if greet(c, 0xA, 10000) {
			serve(c, func(a asked) []byte {
				if a.opcode == opcodeExists {
					d := jute.Decoder{Rest: a.body}
					mu.Lock()
					paths = append(paths, d.String())
					mu.Unlock()
				}
				return a.knowing()
			})
		}
	})
	s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 10 * time.Second})
	path := s.carriers.add(newBundle(someGets(2)))
	s.carriers.remove(path)
	if _, _, err := s.conn.Exists(path); err != nil {
		t.Error(err)
	}
	if _, err := s.Do(t.Context(), zkapi.Exists("/\uffff")); err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(paths, []string{"/", "/\uffff"}) {
		t.Errorf("the server was asked for %q", paths)
	}
}

// TestDoAll_RefusedAsAWhole: some codes concern the session or the server. Then each read is
// refused, and multiRead is not given up.
func TestDoAll_RefusedAsAWhole(t *testing.T) {
	for code, is := range map[int32]error{-127: zkapi.ErrThrottled, -112: zkapi.ErrSessionEnded, -102: nil, -5: nil, -4711: nil} {
		many := 0
		server := newFake(t, func(_ int, c net.Conn) {
			if greet(c, 0xA, 10000) {
				serve(c, func(a asked) []byte {
					if a.opcode == opcodeMultiRead {
						if many++; many == 1 {
							return a.coded(code)
						}
					}
					return a.knowing()
				})
			}
		})
		s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 10 * time.Second})
		ops := someGets(firstReads)
		for i, r := range s.DoAll(t.Context(), ops) {
			if is == nil && (r.Err != nil || string(r.Data) != ops[i].Path) || is != nil && (!errors.Is(r.Err, is) || zkapi.FateOf(r.Err) != zkapi.NotApplied) {
				t.Errorf("code %d: %q, %v", code, r.Data, r.Err)
			}
		}
		if code == -127 {
			allRead(t, "then", ops, s.DoAll(t.Context(), ops))
			if many != 2 {
				t.Errorf("%d multiReads", many)
			}
		}
	}
}

// TestDoAll_ReturnsWithItsContext: a caller that leaves does not wait for the answers.
func TestDoAll_ReturnsWithItsContext(t *testing.T) {
	server := newFake(t, func(_ int, c net.Conn) {
		if greet(c, 0xA, 10000) {
			serve(c, func(a asked) []byte {
				if a.opcode == opcodeMultiRead {
					return []byte{}
				}
				return a.usual()
			})
		}
	})
	s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 10 * time.Second})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for _, r := range s.DoAll(ctx, someGets(firstReads)) {
		if !errors.Is(r.Err, context.DeadlineExceeded) || zkapi.FateOf(r.Err) != zkapi.Unknown {
			t.Errorf("%q, %v", r.Data, r.Err)
		}
	}
}
