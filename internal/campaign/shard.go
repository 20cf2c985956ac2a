package campaign

import (
	"fmt"
	"strconv"
	"strings"
)

// Shard is one of the equal parts of a long campaign, so that several machines, or
// several nights, do it together: the Index-th of Count, from 1 on. The zero Shard is
// the whole campaign. Every run of the campaign is in exactly one shard.
//
// It implements pflag.Value, as "2/3".
type Shard struct{ Index, Count int }

// Type implements pflag.Value.
func (*Shard) Type() string { return "i/n" }

// String implements pflag.Value; the whole campaign is empty.
func (s *Shard) String() string {
	if s.Count == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Count)
}

// Set implements pflag.Value.
func (s *Shard) Set(text string) error {
	first, second, _ := strings.Cut(text, "/")
	index, err := strconv.Atoi(first)
	count, err2 := strconv.Atoi(second)
	if err != nil || err2 != nil || index < 1 || index > count {
		return fmt.Errorf("write it as 2/3, the second of three, from 1/3 to 3/3")
	}
	*s = Shard{index, count}
	return nil
}

// Has reports whether the i-th run of the campaign, from 0 on, is in this shard.
func (s Shard) Has(i int) bool { return s.Count == 0 || i%s.Count == s.Index-1 }
