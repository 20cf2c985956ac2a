package recipe

import (
	"bytes"
	"context"
	"iter"
	"log/slog"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Submission is one of many tasks for SubmitAll.
type Submission struct {
	Payload []byte
	Options []SubmitOption
}

// SubmitAll hands in many tasks. Nothing happens until a loop ranges over what it returns; each
// such loop submits them all. The loop gets one outcome for each submission, in their order:
// what Submit would have returned for it, and the promises of Submit hold for each by itself. It
// is no transaction: when some fail, the others are accepted all the same. The ensemble may get
// them in any order, except that of two submissions of one id the earlier one is first.
//
//	for submitted, err := range client.SubmitAll(ctx, slices.Values(submissions)) {
//
// Many submissions are one write for the servers, so this is several times as fast as Submit.
// A submission that comes alone does not wait for others. If such a write fails because of one
// submission, the others are written again without it. If its answer is lost, each submission is
// resolved by itself, as Submit does.
//
// The submissions are read while the loop runs, by another goroutine, at most 4,000 of them or
// 8 MiB ahead of the loop. So their number does not matter, and they need not be in memory
// together. While the body of the loop runs, no further ones are sent. If the loop ends early, it is not
// known of the submissions that were read, and whose outcomes were not, whether they were
// accepted. The loop ends only when the iterator of the submissions has returned; an iterator that
// waits for something must stop that when ctx ends.
//
// When ctx has ended, SubmitAll reads one more submission. That one and all before it whose fate
// is not settled get the error that Submit returns then. So if no outcome is an error, all
// submissions were read and accepted.
//
// While the backlog is full, SubmitAll waits as Submit does, and so do the submissions behind the
// one that waits; if ctx ends then, only the error of that one is an ErrBacklogFull. It sends no
// more than the backlog has room for.
func (c *Client) SubmitAll(ctx context.Context, submissions iter.Seq[Submission]) iter.Seq2[Submitted, error] {
	return func(yield func(Submitted, error) bool) {
		switch {
		case c.env == nil:
			yield(Submitted{}, errZero)
			return
		case submissions == nil:
			yield(Submitted{}, invalid("the iterator of the submissions is nil: give one, such as slices.Values(submissions)"))
			return
		}
		l := &lanes{client: c, bounded: true}
		const atOnce = 2 * lanesAtOnce * batchesAtOnce
		most := ahead{items: atOnce * batchOps, bytes: atOnce * maxMultiBytes}
		defer l.end(ctx)
		input := func(ctx context.Context) iter.Seq[*pending] {
			return mapped(submissions, func(one Submission) *pending { return c.prepare(ctx, one) })
		}
		inOrder(ctx, c.env, most, input, (*pending).size, l.settle,
			func(p *pending) bool { return yield(p.outcome, p.err) })
	}
}

// pending is one submission of SubmitAll until its outcome is delivered.
type pending struct {
	submission
	create zkapi.Op
	before tries
	ctx    context.Context // of its span
	end    func(error)

	settled bool
	outcome Submitted
	err     error
}

func (p *pending) size() int { return len(p.create.Data) }

// settle notes the outcome.
func (p *pending) settle(outcome Submitted, err error) {
	p.settled, p.outcome, p.err = true, outcome, err
	p.end(err)
}

// prepare checks a submission. One that is invalid is settled.
func (c *Client) prepare(ctx context.Context, one Submission) *pending {
	p := &pending{ctx: ctx, end: func(error) {}}
	var err error
	if p.submission, err = newSubmission(c.env, one.Options); err != nil {
		p.settle(Submitted{}, err)
		return p
	}
	p.ctx, p.end = c.obs.Tracer(ctx, "submit", slog.String("id", p.id))
	if p.create, err = c.createOf(p.submission, one.Payload); err != nil {
		p.settle(Submitted{}, err)
	}
	p.create.Data = bytes.Clone(p.create.Data) // the caller may use the slice for the next one
	return p
}
