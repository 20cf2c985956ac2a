package zktest_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
)

// charge charges an order, and says whether this call did. The second call for an order does not.
func charge(client *zk.Conn, order string) (charged bool, err error) {
	path, mine := "/billing/"+order, []byte(rand.Text())
	for range 10 { // makes the request again after a lost connection
		_, err = client.Create(path, mine, 0, zk.WorldACL(zk.PermAll))
		charged = err == nil
		if errors.Is(err, zk.ErrNodeExists) { // the order is charged: by us, if the answer was lost
			var found []byte
			found, _, err = client.Get(path)
			charged = bytes.Equal(found, mine)
		}
		if !errors.Is(err, zk.ErrConnectionClosed) && !errors.Is(err, zk.ErrNoServer) {
			break
		}
	}
	return charged && err == nil, err
}

func TestCharge_ChargesOnceThoughAnAnswerIsLost(t *testing.T) {
	server := zktest.Start(t)
	client, _, err := zk.Connect(server.Addresses(), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Create("/billing", nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	faults, err := serve.ParseFaults("lose the third answer to create below /billing")
	if err != nil {
		t.Fatal(err)
	}
	lost, err := server.Inject(faults[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		order := fmt.Sprintf("order-%d", i)
		if charged, err := charge(client, order); !charged || err != nil {
			t.Errorf("%s is not charged: %v", order, err)
		}
		if charged, err := charge(client, order); charged || err != nil {
			t.Errorf("%s is charged twice: %v", order, err)
		}
	}
	if lost.Effects() != 1 {
		t.Errorf("%d answers were lost, want 1", lost.Effects())
	}
}
