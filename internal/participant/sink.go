package participant

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"sync"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// EffectReply is the sink's answer.
type EffectReply struct{ Accepted bool }

// PowerRequest asks the power switch to end a life.
type PowerRequest struct{ By, Of record.Life }

// PowerReply is the answer of the power switch.
type PowerReply struct{ Broken bool }

// Switch is the power switch of a run: it ends a life for sure, as [subject.Participant] says.
// over reports whether the life is over, also if there is an error.
type Switch func(by, of record.Life) (over bool, err error)

// Sink stands for the systems outside ZooKeeper: the one that participants act on, and the
// power switch. The first remembers the greatest token of each object and refuses smaller
// ones. The target of a real participant must do the same to be safe from one that was
// replaced, unless that one was powered off before.
type Sink struct {
	listener net.Listener
	journal  *record.Journal
	off      Switch
	work     sync.WaitGroup

	mu    sync.Mutex
	seen  map[string]record.Token
	over  map[record.Life]bool // lives that were powered off
	conns map[net.Conn]bool
}

// NewSink makes a sink that records every effect in the journal, for participants in
// the same process.
func NewSink(journal *record.Journal, off Switch) *Sink {
	return &Sink{journal: journal, off: off, seen: map[string]record.Token{}, over: map[record.Life]bool{}, conns: map[net.Conn]bool{}}
}

// ListenSink starts a sink that other processes reach over the network.
func ListenSink(journal *record.Journal, off Switch) (*Sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("participant: sink: %w", err)
	}
	s := NewSink(journal, off)
	s.listener = listener
	server := rpc.NewServer()
	if err := server.RegisterName("Sink", &sinkService{s}); err != nil {
		return nil, fmt.Errorf("participant: sink: %w", err)
	}
	s.work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[conn] = true
			s.mu.Unlock()
			s.work.Go(func() { server.ServeConn(conn) })
		}
	})
	return s, nil
}

// Address is where participants find the sink.
func (s *Sink) Address() string { return s.listener.Addr().String() }

// Close ends the sink and waits for its connections.
func (s *Sink) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.work.Wait()
	return err
}

// sinkService is the part of the sink that net/rpc may call.
type sinkService struct{ sink *Sink }

// Effect accepts or refuses one effect. The note is written under the lock, so that the
// history has the effects in the order of the decisions.
func (s *sinkService) Effect(args record.EffectRequest, reply *EffectReply) (err error) {
	reply.Accepted, err = s.sink.accept(args)
	return err
}

// PowerOff ends a life.
func (s *sinkService) PowerOff(args PowerRequest, reply *PowerReply) error {
	err := s.sink.PowerOff(args.By, args.Of)
	if errors.Is(err, subject.ErrPowerSwitch) { // an error loses its kind on the way
		reply.Broken, err = true, nil
	}
	return err
}

// accept decides on an effect. What a life has sent before it was powered off, and comes after
// that, is lost on the way.
func (s *Sink) accept(args record.EffectRequest) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over[record.Life{Process: args.Process, Number: args.Life}] {
		return false, errors.New("participant: sink: the life is over")
	}
	accepted := args.Token.Compare(s.seen[args.Object()]) >= 0
	if accepted {
		s.seen[args.Object()] = args.Token
	}
	s.journal.Add(record.Event{Type: record.Note, Kind: record.Effect, Of: args.Decided(accepted)})
	return accepted, nil
}

// Act is an effect of a participant in the same process.
func (s *Sink) Act(args record.EffectRequest) error {
	accepted, err := s.accept(args)
	if err == nil && !accepted {
		return subject.ErrFenced
	}
	return err
}

// PowerOff ends a life, at the request of another one.
func (s *Sink) PowerOff(by, of record.Life) error {
	if by == of {
		return fmt.Errorf("participant: power switch: %s asks for its own end", by)
	}
	over, err := s.off(by, of)
	if over {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.over[of] = true
	}
	return err
}

// sinkClient is a participant's connection to the sink.
type sinkClient struct{ *rpc.Client }

func dialSink(address string) (*sinkClient, error) {
	conn, err := rpc.Dial("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("participant: sink: %w", err)
	}
	return &sinkClient{conn}, nil
}

func (c *sinkClient) effect(args record.EffectRequest) error {
	var reply EffectReply
	if err := c.Call("Sink.Effect", args, &reply); err != nil {
		return fmt.Errorf("sink: %w", err)
	}
	if !reply.Accepted {
		return subject.ErrFenced
	}
	return nil
}

// powerOff asks the power switch, and waits for its answer until ctx ends.
func (c *sinkClient) powerOff(ctx context.Context, by, of record.Life) error {
	var reply PowerReply
	asked := c.Go("Sink.PowerOff", PowerRequest{By: by, Of: of}, &reply, make(chan *rpc.Call, 1))
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-asked.Done:
	}
	switch {
	case asked.Error != nil:
		return fmt.Errorf("power switch: %w", asked.Error)
	case reply.Broken:
		return subject.ErrPowerSwitch
	}
	return nil
}
