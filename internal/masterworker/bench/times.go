package bench

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// times are the durations of one kind of request.
type times []time.Duration

// at returns the percentile p, such as 99.9: the smallest of them that is not less than p percent
// of them. There must be one.
func (t times) at(p float64) time.Duration {
	sorted := slices.Sorted(slices.Values(t))
	rank := int(math.Ceil(float64(len(sorted)) * p / 100))
	return sorted[max(0, min(len(sorted)-1, rank-1))]
}

// short rounds a duration for people.
func short(d time.Duration) time.Duration {
	const fine, coarse = 10 * time.Microsecond, 10 * time.Millisecond
	if d >= time.Second {
		return d.Round(coarse)
	}
	return d.Round(fine)
}

func (t times) String() string {
	return fmt.Sprintf("median %v, p99 %v", short(t.at(50)), short(t.at(99)))
}

// tail says more of the slowest.
func (t times) tail() string {
	return fmt.Sprintf("%v, p99.9 %v of %d", t, short(t.at(99.9)), len(t))
}

// ratio compares medians.
func ratio(a, b times) float64 { return float64(a.at(50)) / float64(b.at(50)) }
