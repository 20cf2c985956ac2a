package serve_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	lib "github.com/go-zookeeper/zk"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// The tests here show what README.md says differs from ZooKeeper.

// greeted is a client that has a session.
func greeted(t *testing.T, e *serve.Ensemble) rawConn {
	c := raw(t, e.Members()[0])
	c.greet(40*time.Second, 0, nil)
	return c
}

// alone is an ensemble with one client.
func alone(t *testing.T) (*serve.Ensemble, rawConn) {
	e := serve.New(serve.Options{})
	t.Cleanup(e.Close)
	return e, greeted(t, e)
}

func TestDiffers_RequestsOfServersAreUnknown(t *testing.T) {
	e, _ := alone(t)
	for _, opcode := range []int32{-10, 20, 102} { // createSession, deleteContainer, SASL
		c := greeted(t, e)
		if code, _ := c.call(1, opcode, func(to *jute.Encoder) { to.String("/e"); to.Int32(-1) }); code != -6 {
			t.Errorf("request %d: %d", opcode, code)
		}
		if d := c.receive(); !d.Bad {
			t.Errorf("request %d: the connection is open", opcode)
		}
	}
}

func TestDiffers_CommandsOfFourLettersCountNothing(t *testing.T) {
	_, address := start(t, serve.Options{})
	c := dial(t, address)
	if _, _, err := c.Get("/"); err != nil {
		t.Fatal(err)
	}
	stats, ok := lib.FLWSrvr([]string{address}, 10*time.Second)
	if s := stats[0]; !ok || s.Sent != 0 || s.Received != 0 || s.MaxLatency != 0 {
		t.Errorf("srvr is read as %+v", s)
	}
}

func TestDiffers_NoReconfiguration(t *testing.T) {
	_, c := alone(t)
	code, _ := c.call(1, 16, func(to *jute.Encoder) {
		to.String("server.2=b:1:2;3")
		to.Buffer(nil)
		to.Buffer(nil)
		to.Int64(-1)
	})
	if code != -123 {
		t.Errorf("reconfig: %d", code)
	}
}

func TestDiffers_ATTLOutOfRangeIsRefused(t *testing.T) {
	_, c := alone(t)
	for ttl, want := range map[int64]int32{0: -8, -1: -8, 1 << 40: -8, 1<<40 - 1: 0} {
		code, _ := c.call(1, 21, func(to *jute.Encoder) {
			ephemeral("/ttl")(to)
			to.Bytes[len(to.Bytes)-1] = 5 // the flag of a TTL
			to.Int64(ttl)
		})
		if code != want {
			t.Errorf("a TTL of %d: %d, want %d", ttl, code, want)
		}
	}
}

// TestDiffers_ALongAnswerIsRefused asks for the same half MiB more than 128 times in one
// request.
func TestDiffers_ALongAnswerIsRefused(t *testing.T) {
	_, c := alone(t)
	code, _ := c.call(1, 1, func(to *jute.Encoder) {
		to.String("/big")
		to.Buffer(make([]byte, 512<<10))
		to.Int32(1)
		to.Int32(31)
		to.String("world")
		to.String("anyone")
		to.Int32(0)
	})
	if code != 0 {
		t.Fatalf("create: %d", code)
	}
	part := func(to *jute.Encoder, opcode int32, done bool) { to.Int32(opcode); to.Bool(done); to.Int32(-1) }
	for parts, want := range map[int]int32{2: 0, 130: -5} {
		code, d := c.call(2, 22, func(to *jute.Encoder) {
			for range parts {
				part(to, 4, false)
				to.String("/big")
				to.Bool(false)
			}
			part(to, -1, true)
		})
		if code != want || (code != 0) != (len(d.Rest) == 0) {
			t.Errorf("%d parts: code %d and %d bytes, want code %d", parts, code, len(d.Rest), want)
		}
	}
}

func TestDiffers_ListsAreSorted(t *testing.T) {
	e, c := alone(t)
	var made []string
	for _, name := range []string{"c", "a", "e", "b", "d"} {
		c.call(1, 1, ephemeral("/"+name))
		made = append(made, name)
	}
	slices.Sort(made)
	node, err := e.Tree().Node("/")
	if names := node.Children(); err != nil || !slices.Equal(names, append(made, "zookeeper")) {
		t.Errorf("the children are %q, %v", names, err)
	}
	for prefix, want := range map[string]string{"/": "/a/b/c/d/e", " ": "/a/b/c/d/e", " /\t": "/a/b/c/d/e", "/b": "/b", "b": ""} {
		_, d := c.call(2, 103, func(to *jute.Encoder) { to.String(prefix) })
		if paths := d.Strings(); strings.Join(paths, "") != want {
			t.Errorf("the ephemerals below %q are %q", prefix, paths)
		}
	}
}

// TestDiffers_IdentitiesKeepTheirOrder: that of a real server is a hash's.
func TestDiffers_IdentitiesKeepTheirOrder(t *testing.T) {
	_, c := alone(t)
	for _, user := range []string{"zoe", "adam"} {
		if code, _ := c.call(-4, 100, func(to *jute.Encoder) { to.Int32(0); to.String("digest"); to.Buffer([]byte(user + ":p")) }); code != 0 {
			t.Fatalf("auth: %d", code)
		}
	}
	_, d := c.call(1, 107, func(*jute.Encoder) {})
	var users []string
	for range d.Int32() {
		users = append(users, d.String()+" "+d.String())
	}
	if want := []string{"ip pipe", "digest zoe", "digest adam"}; !slices.Equal(users, want) {
		t.Errorf("the users are %q, want %q", users, want)
	}
}

// TestDiffers_QuotasAreNotEnforced: a real server enforces them only with enforceQuota=true.
func TestDiffers_QuotasAreNotEnforced(t *testing.T) {
	e, c := alone(t)
	const quota = "/zookeeper/quota/a"
	create := func(path, data string) {
		t.Helper()
		code, _ := c.call(1, 1, func(to *jute.Encoder) {
			to.String(path)
			to.Buffer([]byte(data))
			to.Bytes = append(to.Bytes, acl()...)
		})
		if code != 0 {
			t.Errorf("%s is refused with the code %d", path, code)
		}
	}
	create("/a", "")
	create(quota, "")
	create(quota+"/zookeeper_limits", "count=1,bytes=1")
	create(quota+"/zookeeper_stats", "count=0,bytes=0")
	create("/a/b", "more")
	if node, err := e.Tree().Node(quota + "/zookeeper_stats"); err != nil || string(node.Data) != "count=2,bytes=4" {
		t.Errorf("the counts are %q, %v", node.Data, err)
	}
}

// TestDiffers_AConnectionMayWaitForItsHandshake: a real server closes it after ten seconds.
func TestDiffers_AConnectionMayWaitForItsHandshake(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		c := raw(t, e.Members()[0])
		time.Sleep(time.Minute)
		if _, id, _ := c.greet(10*time.Second, 0, nil); id == 0 {
			t.Error("the connection gets no session")
		}
	})
}
