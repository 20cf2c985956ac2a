package zktest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
)

type quiet struct{}

func (quiet) Printf(string, ...any) {}

// TestStart_ServesEveryMember is also what a stranger copies: two clients of a server that ends
// with the test.
func TestStart_ServesEveryMember(t *testing.T) {
	t.Parallel()
	server := zktest.Start(t, serve.Options{Members: 2})
	for i, address := range server.Addresses() {
		client, _, err := zk.Connect([]string{address}, 10*time.Second, zk.WithLogger(quiet{}))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if _, err := client.Create(fmt.Sprintf("/by-%d", i), []byte("x"), 0, zk.WorldACL(zk.PermAll)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/by-0", "/by-1"} {
		if node, err := server.Tree().Node(path); err != nil || string(node.Data) != "x" {
			t.Errorf("%s has %q, %v", path, node.Data, err)
		}
	}
}

// TestStartInBubble_SessionsExpireInNoTime has a client whose only server is stopped: its
// ephemeral goes with its session, after a minute of virtual time.
func TestStartInBubble_SessionsExpireInNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := zktest.StartInBubble(t, serve.Options{Members: 3})
		client, _, err := zk.Connect(server.Addresses()[:1], 10*time.Second, zk.WithLogger(quiet{}), zk.WithDialer(server.Dial))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Create("/e", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := server.Tree().Node("/e"); err != nil {
			t.Fatalf("the ephemeral of a live session is gone: %v", err)
		}
		server.Members()[0].Stop()
		time.Sleep(time.Minute)
		if _, err := server.Tree().Node("/e"); err == nil {
			t.Error("the ephemeral is there a minute after its client was heard")
		}
		client.Close()
	})
}

func TestDial_NamesAnAddressThatIsNotThere(t *testing.T) {
	server := zktest.Start(t)
	if _, err := server.Dial("tcp", "127.0.0.1:1", 0); err == nil || !strings.Contains(err.Error(), server.String()) {
		t.Errorf("an address of nobody: %v", err)
	}
}
