package zkclient

import (
	"bufio"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// asShipped is what a server of an ensemble with ZooKeeper's own settings answers to conf.
const asShipped = "clientPort=2181\nsecureClientPort=-1\ndataDir=/data/version-2\ndataDirSize=67108880\ntickTime=2000\nmaxClientCnxns=60\n" +
	"minSessionTimeout=4000\nmaxSessionTimeout=40000\nclientPortListenBacklog=-1\nserverId=1\ninitLimit=10\nsyncLimit=5\nelectionAlg=3\n" +
	"electionPort=3888\nquorumPort=2888\npeerType=0\nmembership: \nserver.1=zk1:2888:3888:participant\nversion=0"

// answersConf is a server that answers conf with that, and nothing else.
func answersConf(t *testing.T, answer string) *fakeServer {
	return newFake(t, func(_ int, c net.Conn) {
		word := make([]byte, len("conf"))
		if _, err := io.ReadFull(c, word); err != nil || string(word) != "conf" {
			t.Errorf("it was asked %q: %v", word, err)
		}
		_, _ = io.WriteString(c, answer)
	})
}

// notSaid is the answer of a server to conf where that is switched off.
const notSaid = "conf is not executed because it is not in the whitelist.\n"

// doesNotSay is a server as it is shipped: of the four-letter words it answers srvr alone.
// What begins otherwise asks for a session.
func doesNotSay(t *testing.T, mode string, session func(net.Conn)) *fakeServer {
	return newFake(t, func(_ int, c net.Conn) {
		begun := bufio.NewReader(c)
		switch word, _ := begun.Peek(len("conf")); string(word) {
		case "conf":
			_, _ = io.WriteString(c, notSaid)
		case "srvr":
			_, _ = io.WriteString(c, "Zookeeper version: 3.9.3\nMode: "+mode+"\nNode count: 5\n")
		default:
			session(peeked{c, begun})
		}
	})
}

// peeked is a connection of which somebody has seen the beginning.
type peeked struct {
	net.Conn
	begun *bufio.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.begun.Read(b) }

// TestTiming_IsAssumed asks servers that do not answer conf. What is assumed goes by the
// shortest timeout that they grant, and the session for it is closed.
func TestTiming_IsAssumed(t *testing.T) {
	closed := make(chan []byte, 10)
	grants := func(c net.Conn) {
		asked, err := readPacket(c)
		if err != nil || len(asked) != 45 || asked[15] != 1 {
			t.Errorf("a session was asked for with %x: %v", asked, err)
		}
		welcome(c, 5, 4000)
		bye, _ := readPacket(c)
		closed <- bye
	}
	nobody := newFake(t, func(_ int, c net.Conn) {
		begun := make([]byte, len("conf"))
		if _, err := io.ReadFull(c, begun); err == nil && string(begun) == "conf" {
			_, _ = io.WriteString(c, notSaid)
		}
	})
	for mode, want := range map[string]Timing{
		"leader":     {Tick: 2 * time.Second, InitLimit: 10, SyncLimit: 5, Least: 4 * time.Second, Assumed: true},
		"follower":   {Tick: 2 * time.Second, InitLimit: 10, SyncLimit: 5, Least: 4 * time.Second, Assumed: true},
		"standalone": {Tick: 2 * time.Second, Least: 4 * time.Second, Assumed: true},
	} {
		server := doesNotSay(t, mode, grants)
		want.Server = server.address()
		if got, _, err := timingFrom(t, nobody, server); got != want || err != nil {
			t.Errorf("%s: %+v, want %+v; %v", mode, got, want, err)
		}
		if bye := <-closed; len(bye) < 8 || !isQuit(framed(bye)) {
			t.Errorf("%s: its session ended with %x", mode, bye)
		}
	}
}

func timingFrom(t *testing.T, servers ...*fakeServer) (Timing, time.Duration, error) {
	t.Helper()
	var addresses []string
	for _, s := range servers {
		addresses = append(addresses, s.address())
	}
	d, err := New(Config{Servers: addresses})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	timing, err := d.Timing(t.Context())
	return timing, time.Since(began), err
}

// TestTiming_OfServers asks servers that say their times.
func TestTiming_OfServers(t *testing.T) {
	shipped, alone := answersConf(t, asShipped), answersConf(t, "tickTime=3000\nminSessionTimeout=6000\nmaxSessionTimeout=60000\nserverId=0\n")
	patient := answersConf(t, strings.Replace(asShipped, "syncLimit=5", "syncLimit=7", 1))
	silent := answersConf(t, notSaid)
	for _, c := range []struct {
		servers []*fakeServer
		want    Timing
	}{
		{[]*fakeServer{shipped}, Timing{shipped.address(), 2 * time.Second, 10, 5, 4 * time.Second, 40 * time.Second, false}},
		{[]*fakeServer{alone}, Timing{alone.address(), 3 * time.Second, 0, 0, 6 * time.Second, time.Minute, false}},
		{[]*fakeServer{shipped, silent, patient}, Timing{patient.address(), 2 * time.Second, 10, 7, 4 * time.Second, 40 * time.Second, false}},
	} {
		if got, _, err := timingFrom(t, c.servers...); got != c.want || err != nil {
			t.Errorf("%+v, want %+v; %v", got, c.want, err)
		}
	}
}

// TestTiming_AsksEachAddressOfAName: the first addresses say nothing, or drop what is sent.
func TestTiming_AsksEachAddressOfAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ensembleOf{serves: map[string]func(net.Conn){
			"10.0.0.1:2181": nil, "10.0.0.2:2181": endsConnections,
			"10.0.0.3:2181": func(c net.Conn) {
				_, _ = io.ReadFull(c, make([]byte, len("conf")))
				_, _ = io.WriteString(c, asShipped)
			},
		}}
		got, err := e.driver(t, Config{Servers: []string{"zk"}}, three).Timing(t.Context())
		if want := "zk:2181 (10.0.0.3)"; err != nil || got.Server != want || got.SyncLimit != 5 {
			t.Errorf("%+v, %v; want the times of %s", got, err, want)
		}
	})
}

// TestTiming_IsBounded asks servers that do not say their times, or say something else:
// each costs two seconds and little memory at most, and is named with what it answered.
func TestTiming_IsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestTiming_IsBounded: make test runs it, make quick does not")
	}
	hangs := func(first string) *fakeServer {
		return newFake(t, func(_ int, c net.Conn) {
			_, _ = io.WriteString(c, first)
			<-t.Context().Done()
		})
	}
	flood := func(line string) *fakeServer {
		return newFake(t, func(_ int, c net.Conn) {
			part := strings.Repeat(line, 1<<20/len(line))
			for range 1 << 10 { // 1 GiB
				if _, err := io.WriteString(c, part); err != nil {
					return
				}
			}
		})
	}
	gone := answersConf(t, "")
	_ = gone.listener.Close()
	for name, c := range map[string]struct {
		server *fakeServer
		says   string
	}{
		"switched off":          {doesNotSay(t, "leader", func(net.Conn) {}), "EOF"},
		"no session, nonsense":  {doesNotSay(t, "leader", func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request") }), "not a ZooKeeper"},
		"no session, hangs":     {doesNotSay(t, "leader", func(net.Conn) { <-t.Context().Done() }), "timeout"},
		"a session of no time":  {doesNotSay(t, "leader", func(c net.Conn) { greet(c, 5, 0) }), "not a ZooKeeper"},
		"a session of weeks":    {doesNotSay(t, "leader", func(c net.Conn) { greet(c, 5, 1<<31-1) }), "not a ZooKeeper"},
		"a session of nobody":   {doesNotSay(t, "leader", func(c net.Conn) { greet(c, 0, 4000) }), "not a ZooKeeper"},
		"closes":                {answersConf(t, ""), `answered ""`},
		"another service":       {answersConf(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), "HTTP/1.1 400"},
		"hangs":                 {hangs(""), "timeout"},
		"hangs in between":      {hangs("tickTime=2000\n"), "timeout"},
		"a lot of nonsense":     {flood("x"), "answered"},
		"a lot of settings":     {flood("tickTime=2000\n"), "answered"},
		"a tick of nothing":     {answersConf(t, strings.Replace(asShipped, "tickTime=2000", "tickTime=0", 1)), "answered"},
		"a tick of years":       {answersConf(t, strings.Replace(asShipped, "tickTime=2000", "tickTime=9223372036854775807", 1)), "answered"},
		"a negative limit":      {answersConf(t, strings.Replace(asShipped, "syncLimit=5", "syncLimit=-5", 1)), "answered"},
		"a limit that is huge":  {answersConf(t, strings.Replace(asShipped, "syncLimit=5", "syncLimit=2147483647", 1)), "answered"},
		"nobody is there":       {gone, "refused"},
		"the end is cut off":    {hangs(asShipped), "timeout"},
		"a limit with no digit": {answersConf(t, strings.Replace(asShipped, "syncLimit=5", "syncLimit=many", 1)), "answered"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got, took, err := timingFrom(t, c.server)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, ErrNoTiming) || !strings.Contains(err.Error(), c.server.address()) || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 1000 {
				t.Errorf("%+v, %v, it should say %q", got, err, c.says)
			}
			if took > timingLimit+time.Second {
				t.Errorf("it took %v", took)
			}
			if cost := after.TotalAlloc - before.TotalAlloc; cost > 8<<20 {
				t.Errorf("it cost %d bytes", cost)
			}
		})
	}
}
