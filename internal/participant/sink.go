package participant

import (
	"fmt"
	"net"
	"net/rpc"
	"sync"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// EffectReply is the sink's answer.
type EffectReply struct{ Accepted bool }

// Sink stands for the system outside ZooKeeper. It remembers the greatest token of each
// object and refuses smaller ones. The target of a real participant must do the same to
// be safe from one that was replaced.
type Sink struct {
	listener net.Listener
	journal  *record.Journal
	work     sync.WaitGroup

	mu    sync.Mutex
	seen  map[string]record.Token
	conns map[net.Conn]bool
}

// NewSink makes a sink that records every effect in the journal, for participants in
// the same process.
func NewSink(journal *record.Journal) *Sink {
	return &Sink{journal: journal, seen: map[string]record.Token{}, conns: map[net.Conn]bool{}}
}

// ListenSink starts a sink that other processes reach over the network.
func ListenSink(journal *record.Journal) (*Sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("participant: sink: %w", err)
	}
	s := NewSink(journal)
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
func (s *sinkService) Effect(args record.EffectRequest, reply *EffectReply) error {
	reply.Accepted = s.sink.accept(args)
	return nil
}

func (s *Sink) accept(args record.EffectRequest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	accepted := args.Token.Compare(s.seen[args.Object()]) >= 0
	if accepted {
		s.seen[args.Object()] = args.Token
	}
	s.journal.Add(record.Event{Type: record.Note, Kind: record.Effect, Of: args.Decided(accepted)})
	return accepted
}

// Act is an effect of a participant in the same process.
func (s *Sink) Act(args record.EffectRequest) error {
	if !s.accept(args) {
		return subject.ErrFenced
	}
	return nil
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
