package serve_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// open goes on with a directory until it is closed, or the test ends.
func open(t *testing.T, dir string, options serve.Options) *serve.Ensemble {
	t.Helper()
	e, err := serve.Open(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// TestOpen_SessionsHaveTheirWholeTimeoutAnew restarts the servers just before two sessions end.
// One is taken up by its client in time, the other ends.
func TestOpen_SessionsHaveTheirWholeTimeoutAnew(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const timeout, nearly = 10 * time.Second, 10*time.Second - time.Millisecond
		e := open(t, dir, serve.Options{})
		comes, stays := join(t, e.Members()[0], timeout), join(t, e.Members()[0], timeout)
		for c, path := range map[*client]string{comes: "/comes", stays: "/stays"} {
			if code := c.do(opCreate, ephemeral(path)); code != codeOK {
				t.Fatal(code)
			}
		}
		time.Sleep(nearly)
		e.Close()
		time.Sleep(time.Hour) // nothing expires while nothing runs

		e = open(t, dir, serve.Options{})
		time.Sleep(nearly)
		wrong := &client{rawConn: comes.rawConn, id: comes.id, timeout: timeout, password: []byte("another password")}
		if _, taken := rejoin(t, e.Members()[0], wrong); taken {
			t.Error("a wrong password takes the session")
		}
		again, taken := rejoin(t, e.Members()[0], comes)
		if !taken || !has(e, "/comes") || !has(e, "/stays") || len(e.Sessions()) != 2 {
			t.Fatalf("a session did not go on: %v, %v", taken, e.Sessions())
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if has(e, "/stays") || !has(e, "/comes") {
			t.Error("a session whose client did not come has not ended, or the other one has")
		}
		if fresh := join(t, e.Members()[0], timeout); fresh.id == comes.id || fresh.id == stays.id {
			t.Error("the id of a session is given twice")
		}
		if code := again.do(opCreate, ephemeral("/more")); code != codeOK {
			t.Error(code)
		}
		e.Close()
	})
}

// TestOpen_AnswersNothingThatIsNotKept takes the directory away.
func TestOpen_AnswersNothingThatIsNotKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var log bytes.Buffer
	e := open(t, dir, serve.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	c, other := join(t, e.Members()[0], time.Minute), join(t, e.Members()[0], time.Minute)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	e.RenewSnapshot()
	c.ask(1, opCreate, persistent("/lost"))
	if answer := <-c.answers; answer != nil {
		t.Fatal("a write is answered that is not kept")
	}
	if answer := <-other.answers; answer != nil {
		t.Error("another client got something")
	}
	<-e.Failed()
	if err := e.Err(); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v, want the directory", err)
	}
	e.Close()
	if !strings.Contains(log.String(), "the state cannot be kept, so all servers stop") {
		t.Errorf("the log says:\n%s", &log)
	}
}

// TestOpen_WithoutADirectory keeps nothing, and cannot fail.
func TestOpen_WithoutADirectory(t *testing.T) {
	e := open(t, "", serve.Options{})
	if e.Failed() != nil || e.Err() != nil {
		t.Error("it can fail")
	}
}
