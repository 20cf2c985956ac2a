package ensemble

import (
	"fmt"
	"io"
	"sync"

	"github.com/ringmaster-zk/ringmaster/internal/wire"
)

// Held is a frame that a proxy keeps until its holder passes it: a request of the
// participant, or a watch event. Frames leave in the order in which they are passed,
// whatever the order in which they came.
type Held struct {
	Request wire.Request // of the participant; zero for an event
	Event   wire.Event   // to the participant; zero for a request

	flow *flow
	body []byte
}

// Pass lets the frame go on.
func (h *Held) Pass() error { return h.pass(nil) }

// PassUnanswered lets a request go on, and keeps its answer from the participant.
// The channel is closed when the answer has arrived.
func (h *Held) PassUnanswered() (<-chan struct{}, error) {
	arrived := make(chan struct{})
	return arrived, h.pass(arrived)
}

func (h *Held) pass(swallow chan struct{}) error {
	to := h.flow.client
	if h.Event == (wire.Event{}) {
		to = h.flow.server
		if h.Request.Writes() {
			h.flow.sent(h.Request)
		}
		if swallow != nil {
			h.flow.mu.Lock()
			h.flow.swallow[h.Request.Xid] = swallow
			h.flow.mu.Unlock()
		}
	}
	if _, err := to.Write(wire.Frame(h.body)); err != nil {
		return fmt.Errorf("ensemble: proxy: pass a frame: %w", err)
	}
	return nil
}

// carryFrames carries one connection frame by frame. If a server hangs up, the participant
// does not notice before the connection is broken or it hangs up itself.
func (p *Proxy) carryFrames(f *flow) {
	var pumps sync.WaitGroup
	pumps.Go(func() {
		p.frames(f.client, &f.to, func(body []byte) { p.request(f, body) })
		f.close()
	})
	pumps.Go(func() { p.frames(f.server, &f.from, func(body []byte) { p.reply(f, body) }) })
	pumps.Wait()
}

// frames reads frames until the connection ends, or cannot be read as such.
func (p *Proxy) frames(from io.Reader, cut *wire.Frames, each func(body []byte)) {
	buffer := make([]byte, 64<<10)
	for !cut.Broken() {
		n, err := from.Read(buffer)
		for _, body := range cut.Feed(buffer[:n]) {
			each(append([]byte(nil), body...))
		}
		if err != nil {
			return
		}
	}
}

// request holds a request of the participant. Requests that its library sends to stay
// connected pass.
func (p *Proxy) request(f *flow, body []byte) {
	request, ok := f.talk.Sent(body)
	if !ok || request.Opcode == wire.OpPing || request.Opcode == wire.OpAuth {
		_, _ = f.server.Write(wire.Frame(body)) // a dead server is noticed when the connection is broken
		return
	}
	p.hooks.Held(&Held{Request: request, flow: f, body: body})
}

// reply holds a watch event, and passes an answer unless it is to be swallowed.
func (p *Proxy) reply(f *flow, body []byte) {
	reply, ok := f.talk.Received(body)
	if !f.handshaken {
		f.handshaken = true
		p.recordGrant(f)
	}
	if ok && reply.Xid == wire.XidEvent {
		p.hooks.Held(&Held{Event: reply.Event, flow: f, body: body})
		return
	}
	p.reportWrite(f, reply, ok)
	f.mu.Lock()
	swallow := f.swallow[reply.Xid]
	f.mu.Unlock()
	if ok && swallow != nil {
		close(swallow)
		return
	}
	_, _ = f.client.Write(wire.Frame(body))
}
