package participant

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// TestSink_RefusesSmallerTokens sends effects out of order.
func TestSink_RefusesSmallerTokens(t *testing.T) {
	journal, events := recordtest.Journal(t)
	sink, err := ListenSink(journal, nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := dialSink(sink.Address())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		token record.Token
		want  error
	}{
		{record.Token{Epoch: 1, Attempt: 1}, nil}, {record.Token{Epoch: 2, Attempt: 2}, nil}, {record.Token{Epoch: 1, Attempt: 1}, subject.ErrFenced},
		{record.Token{Epoch: 2, Attempt: 2}, nil},
	} {
		if err := client.effect(record.EffectRequest{Task: "t", Token: step.token}); err != step.want {
			t.Errorf("%+v: %v, want %v", step.token, err, step.want)
		}
	}
	if err := client.effect(record.EffectRequest{Task: "other", Token: record.Token{Epoch: 1, Attempt: 1}}); err != nil {
		t.Errorf("another task: %v", err)
	}
	_ = client.Close()
	if err := sink.Close(); err != nil {
		t.Error(err)
	}
	if got := len(events()); got != 5 {
		t.Errorf("%d effects in the journal, want 5", got)
	}
	if _, err := dialSink(sink.Address()); err == nil {
		t.Error("a closed sink answers")
	}
}

// TestConfig_RoundTrip: what the subject adds is among the other keys, and what of it is
// read are its own ones.
func TestConfig_RoundTrip(t *testing.T) {
	for _, options := range []string{`{"rate":1.5,"holders":["a"]}`, `{}`, ``} {
		want := Config{Name: "worker-1", Role: "worker", Life: 2, Servers: []string{"a:1"}, Seed: 9, Options: json.RawMessage(options)}
		got, err := Decode(want.Encode())
		if err != nil {
			t.Fatal(err)
		}
		var read struct {
			Rate    float64
			Holders []string
			Name    string
		}
		if err := json.Unmarshal(got.Options, &read); err != nil {
			t.Fatal(err)
		}
		if read.Name != "worker-1" || (read.Rate == 1.5 && slices.Equal(read.Holders, []string{"a"})) != strings.Contains(options, "rate") {
			t.Errorf("of %q is read %+v", options, read)
		}
		if got.Options, want.Options = nil, nil; !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if _, err := Decode("{"); err == nil {
		t.Error("half a config was accepted")
	}
}

// TestStage_LeavingIsNoCrash: a participant that ends because it was told to leave has
// not failed, in whatever words it says so, and one that ends for another reason has.
func TestStage_LeavingIsNoCrash(t *testing.T) {
	crash := errors.New("crash")
	for _, c := range []struct {
		told bool
		ends error
		want error
	}{
		{true, nil, nil}, {true, subject.ErrLeave, nil}, {true, context.Canceled, nil}, {true, crash, crash}, {false, nil, nil}, {false, context.Canceled, context.Canceled},
	} {
		journal, _ := recordtest.Journal(t)
		ctx, leave := context.WithCancelCause(t.Context())
		if c.told {
			leave(subject.ErrLeave)
		}
		work := subject.Workload{Play: func(context.Context, subject.Participant) error { return c.ends }}
		err := Stage{Work: work, Env: &zk.Env{Server: zk.NewServer(time.Second)}, Journal: journal}.Play(ctx)
		if err != c.want {
			t.Errorf("told is %v, ends with %v: %v", c.told, c.ends, err)
		}
		leave(nil)
	}
}
