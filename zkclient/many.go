package zkclient

import (
	"context"
	"errors"
	"sync"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// DoAll implements zkapi.Session. Gets and children without a watch are asked for by multiReads,
// if there are several.
func (s *session) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	replies := make([]zkapi.Reply, len(ops))
	single, gets, lists := s.sortOut(ops)
	var asking sync.WaitGroup
	for _, many := range []struct {
		at     []int
		window *window
	}{{gets, &s.gets}, {lists, &s.lists}} {
		if len(many.at) > 0 {
			asking.Go(func() { s.readMany(ctx, ops, many.at, many.window, replies) })
		}
	}
	s.doEach(ctx, ops, single, replies)
	asking.Wait()
	return replies
}

// sortOut says which operations are to be asked for one by one, and which by multiReads.
func (s *session) sortOut(ops []zkapi.Op) (single, gets, lists []int) {
	for i, op := range ops {
		// A path that CheckPath refuses may be one that the library refuses.
		fit := !op.Watch && bundledBytes(op) <= mostBundled/2 && op.Size() <= s.config.MaxRequest && zkapi.CheckPath(op.Path) == nil
		switch {
		case fit && op.Kind == zkapi.KindGet:
			gets = append(gets, i)
		case fit && op.Kind == zkapi.KindChildren:
			lists = append(lists, i)
		default:
			single = append(single, i)
		}
	}
	return single, gets, lists
}

// doEach sends the operations at those places, each by itself.
func (s *session) doEach(ctx context.Context, ops []zkapi.Op, at []int, replies []zkapi.Reply) {
	if len(at) == 1 && written(ops[at[0]]) <= lightWrites {
		replies[at[0]].Result, replies[at[0]].Err = s.Do(ctx, ops[at[0]])
		return
	}
	type job struct {
		at   int
		pass *pass
	}
	var sending sync.WaitGroup
	next := make(chan job)
	for range min(maxInFlight, len(at)) {
		sending.Go(func() {
			for one := range next {
				reply := &replies[one.at]
				reply.Result, reply.Err = s.Do(ctx, ops[one.at])
				s.bulk.leave(one.pass, reply.Err, s.now())
			}
		})
	}
	for _, i := range at {
		next <- job{i, s.bulk.enter(ctx, s.done.c, ops[i], s.now)}
	}
	close(next)
	sending.Wait()
}

// readMany sends the reads at those places, all of one kind, several in one request.
func (s *session) readMany(ctx context.Context, ops []zkapi.Op, at []int, w *window, replies []zkapi.Reply) {
	var mu sync.Mutex
	take := func() (some []int, together bool) {
		mu.Lock()
		defer mu.Unlock()
		some, together = s.share(ops, at, w)
		at = at[len(some):]
		return some, together
	}
	var asking sync.WaitGroup
	for range maxBundles {
		asking.Go(func() {
			for some, together := take(); len(some) > 0; some, together = take() {
				if together {
					s.readTogether(ctx, ops, some, w, replies)
				} else {
					s.readEach(ctx, ops, some, w, replies)
				}
			}
		})
	}
	asking.Wait()
}

// share is the next share of what is left to be read, and whether one request is to have it all.
func (s *session) share(ops []zkapi.Op, left []int, w *window) (some []int, together bool) {
	if len(left) == 0 {
		return nil, false
	}
	most := w.size(len(readsOf(ops[left[0]])))
	if most == 1 || len(left) == 1 || !s.maybeMultiRead() {
		return left[:min(len(left), maxInFlight/maxBundles)], false
	}
	bytes, n := 0, 0
	for n < min(most, len(left)) && bytes < min(mostBundled, s.config.MaxRequest)-bundledBytes(ops[left[n]])-mostHead {
		bytes += bundledBytes(ops[left[n]])
		n++
	}
	if n < 2 {
		return left[:1], false
	}
	return left[:n], true
}

// mostHead is more than the frame of a multiRead has beside its reads.
const mostHead = 64

// maybeMultiRead reports whether the server knows multiRead, or is to be tried.
func (s *session) maybeMultiRead() bool {
	s.mu.Lock()
	w := s.wire
	s.mu.Unlock()
	return w != nil && w.has(multiRead) != lacking
}

// readEach sends the reads at those places by themselves.
func (s *session) readEach(ctx context.Context, ops []zkapi.Op, at []int, w *window, replies []zkapi.Reply) {
	s.doEach(ctx, ops, at, replies)
	for _, i := range at {
		if replies[i].Err == nil {
			w.saw(replies[i])
		}
	}
}

// readTogether sends the reads at those places as one request.
func (s *session) readTogether(ctx context.Context, ops []zkapi.Op, at []int, w *window, replies []zkapi.Reply) {
	some := make([]zkapi.Op, len(at))
	for n, i := range at {
		some[n] = ops[i]
	}
	b := newBundle(some)
	err := s.exchange(ctx, b)
	switch {
	case errors.Is(err, errLacking):
		s.doEach(ctx, ops, at, replies)
	case err != nil:
		if errors.Is(err, zkapi.ErrConnectionLoss) {
			w.failed(len(at))
		}
		for _, i := range at {
			replies[i].Err = errorOf(ops[i], err)
		}
	case b.outcome == bundleNotSent:
		s.doEach(ctx, ops, at, replies)
	case b.outcome == bundleTooLong:
		w.failed(len(at))
		s.readMany(ctx, ops, at[:len(at)/2], w, replies)
		s.readMany(ctx, ops, at[len(at)/2:], w, replies)
	case b.outcome == bundleRefused:
		for _, i := range at {
			replies[i].Err = refusal(ops[i], b.code)
		}
	default:
		s.take(ctx, b, at, w, replies)
	}
}

// take puts the answers of a bundle in their places. What is not known is asked for again.
func (s *session) take(ctx context.Context, b *bundle, at []int, w *window, replies []zkapi.Reply) {
	all, again := b.replies()
	data := 0
	for n, i := range at {
		replies[i] = all[n]
		data += int(all[n].Stat.DataLength)
	}
	w.fitted(len(at), len(b.body), data)
	for _, n := range again {
		all[n] = zkapi.Reply{}
	}
	s.doEach(ctx, b.ops, again, all)
	for _, n := range again {
		replies[at[n]] = all[n]
	}
}

// exchange sends a bundle. The bundle has its answer if the error is nil.
func (s *session) exchange(ctx context.Context, b *bundle) error {
	op := b.ops[0]
	if err := s.admit(ctx, op); err != nil {
		return err
	}
	done := make(chan error, 1)
	if !s.begin(func() { // ends with the answer, or with the session
		done <- s.send(b)
	}) {
		return failure(op, zkapi.NotApplied, s.Cause())
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return failure(op, zkapi.Unknown, s.explain(context.Cause(ctx)))
	}
}

// send sends a bundle, and returns with its answer or with the session.
func (s *session) send(b *bundle) error {
	op := b.ops[0]
	change, _, _ := s.Connection()
	path := s.carriers.add(b)
	defer s.carriers.remove(path)
	_, _, err := s.conn.Exists(path)
	if errors.Is(err, errLacking) {
		return err
	}
	return s.settle(op, change, s.translate(op, err))
}

// errorOf is the error of one operation of a bundle that has failed with err.
func errorOf(op zkapi.Op, err error) error {
	if e, ok := errors.AsType[*zkapi.Error](err); ok {
		return failure(op, e.Fate, e.Err)
	}
	return failure(op, zkapi.Unknown, err)
}
