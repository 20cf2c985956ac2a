package zkapi

import "context"

// MostAtOnce is how many sources a single select of Go can wait for, beside a context.
const MostAtOnce = 1<<16 - 1

// WaitForMany is Env.Wait for more than MostAtOnce sources, for those who implement an Env. It
// waits for parts of them at a time, with wait. A signal that fires while another source is
// chosen stays raised.
func WaitForMany(ctx context.Context, sources []Source, wait func(context.Context, ...Source) (int, error)) (int, error) {
	type answer struct {
		at  int
		err error
	}
	parts, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answers := make(chan answer)
	waiting := 0
	for from := 0; from < len(sources); from += MostAtOnce {
		waiting++
		go func() {
			at, err := wait(parts, sources[from:min(from+MostAtOnce, len(sources))]...)
			answers <- answer{from + at, err}
		}()
	}
	chosen := -1
	for ; waiting > 0; waiting-- {
		a := <-answers
		cancel(nil)
		switch {
		case a.err != nil:
		case chosen < 0:
			chosen = a.at
		default:
			if s, ok := sources[a.at].(Signal); ok {
				s.Raise()
			}
		}
	}
	if chosen < 0 {
		return -1, context.Cause(ctx)
	}
	return chosen, nil
}
