package value

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
)

// Add adds delta to a counter and returns the sum. A counter that does not exist, or has no data, is
// 0. For the errors see the package.
func (v *Values) Add(ctx context.Context, path string, delta int64) (sum int64, err error) {
	_, err = v.change(ctx, path, func(now State) ([]byte, error) {
		before, err := number(now)
		if err != nil {
			return nil, err
		}
		if delta > 0 && before > math.MaxInt64-delta || delta < 0 && before < math.MinInt64-delta {
			return nil, fmt.Errorf("%w: %d and %d", ErrOverflow, before, delta)
		}
		sum = before + delta
		return strconv.AppendInt(nil, sum, 10), nil
	})
	return sum, err
}

// Count returns a counter. It is as new as Get.
func (v *Values) Count(ctx context.Context, path string) (int64, error) {
	now, err := v.Get(ctx, path)
	if err != nil {
		return 0, err
	}
	return number(now)
}

// number reads the data of a counter, which is decimal, as kazoo writes it.
func number(now State) (int64, error) {
	if len(now.Data) == 0 {
		return 0, nil
	}
	n, err := strconv.ParseInt(string(now.Data), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNotNumber, err)
	}
	return n, nil
}

// Numbers are the whole numbers from First to Last.
type Numbers struct{ First, Last int64 }

// Block hands out the next n numbers of a counter to this caller alone: no other call of Block ever
// returns one of them. If the outcome is unknown, the numbers may be lost, and are never handed out.
func (v *Values) Block(ctx context.Context, path string, n int64) (Numbers, error) {
	if n < 1 {
		return Numbers{}, process.NotApplied(path, input.Invalid(recipe, "a block of %d numbers: use 1 or more", n))
	}
	last, err := v.Add(ctx, path, n)
	if err != nil {
		return Numbers{}, err
	}
	return Numbers{last - n + 1, last}, nil
}
