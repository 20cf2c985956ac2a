package judge

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// step is one call in the terms of the sequential specifications.
type step struct {
	asked history.Asked
	told  history.Told
	from  int // of a transfer: what it saw
	to    int
}

// String is the call in words.
func (s step) String() string {
	switch s.asked.Verb {
	case history.Add:
		return fmt.Sprintf("add %d: %d", s.asked.N, s.told.Sum)
	case history.Block:
		return fmt.Sprintf("block: %d to %d", s.told.First, s.told.Last)
	case history.Transfer:
		return fmt.Sprintf("%s (%d) to %s (%d): %s", s.asked.From, s.from, s.asked.To, s.to, s.answer())
	case history.Audit:
		return fmt.Sprintf("audit: %v", s.told.Seen)
	case history.Fund:
		return "fund: " + s.answer()
	}
	return fmt.Sprintf("%s, if %d: %d, %s", s.asked.Verb, s.asked.Version, s.told.Version, s.answer())
}

func (s step) answer() string {
	if s.told.Refused {
		return "no"
	}
	return "yes"
}

// part adds the calls of some verbs to a part of a search.
func (f *facts) part(object string, hidden func(*call) history.Told, verbs ...string) *checker.Partition {
	p := &checker.Partition{Name: object, Object: object}
	for _, c := range f.about(verbs...) {
		told, until := c.told, c.Done.At
		switch {
		case c.object() != object: // set is a verb of values and of barriers
			continue
		case c.done():
		case len(c.applied) > 0:
			told, until = hidden(c), c.applied[0].Done.At
		case c.open:
			p.Open++
			continue
		default:
			continue
		}
		p.Add(&c.Operation, step{asked: c.asked, told: told, from: told.Seen[c.asked.From], to: told.Seen[c.asked.To]}, until)
	}
	return p
}

// written are the parts of the first write of a call that was applied.
func (c *call) written(object string) (ops []record.Op) {
	for _, op := range c.applied[0].Invoke.Ops() {
		if op.Kind != "check" && op.Path != history.Bank && history.ObjectOf(op.Path) == object && !history.IsLane(op.Path) {
			ops = append(ops, op)
		}
	}
	return ops
}

// number reads a number; other data is 0, and no right answer.
func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// counters is the search for an order of what was added and handed out.
func (f *facts) counters() checker.Search {
	sums := func(c *call) history.Told {
		sum := number(c.written(c.object())[0].Data)
		return history.Told{Sum: sum, First: sum - c.asked.N + 1, Last: sum}
	}
	spec := checker.Specification[int64, step]{
		Do: func(sum int64, s step) (int64, bool) {
			next := sum + s.asked.N
			if s.asked.Verb == history.Block {
				return next, s.told.First == sum+1 && s.told.Last == next
			}
			return next, s.told.Sum == next
		},
		State:     func(sum int64) string { return strconv.FormatInt(sum, 10) },
		Operation: step.String,
	}
	return checker.Search{Property: "CountersLinearizable", Of: "counter", Model: spec.Model(), Partitions: []*checker.Partition{
		f.part(history.Sum, sums, history.Add), f.part(history.Numbers, sums, history.Block),
	}}
}

// values is the search for an order of what was set. The state is the version.
func (f *facts) values() checker.Search {
	versions := func(c *call) history.Told {
		if op := c.written(history.Mode)[0]; op.Kind == "set" {
			return history.Told{Version: op.Version + 1}
		}
		return history.Told{}
	}
	const absent = -1
	spec := checker.Specification[int32, step]{
		Initial: absent,
		Do: func(version int32, s step) (int32, bool) {
			same := s.asked.Version == version
			if s.asked.Verb == history.Swap && s.told.Refused {
				return version, !same
			}
			return version + 1, s.told.Version == version+1 && (same || s.asked.Verb == history.Set)
		},
		State:     func(version int32) string { return fmt.Sprintf("version %d", version) },
		Operation: step.String,
	}
	return checker.Search{Property: "ValuesLinearizable", Of: "value", Model: spec.Model(), Partitions: []*checker.Partition{
		f.part(history.Mode, versions, history.Set, history.Swap),
	}}
}

// Accounts are what each account has, in the order of their names.
type Accounts [4]int

// index is the place of an account.
func index(name string) int { return strings.Index(strings.Join(history.Accounts, ""), name) }

// apply is the sequential specification of the bank.
func (a Accounts) apply(s step) (Accounts, bool) {
	switch s.asked.Verb {
	case history.Audit:
		for i, name := range history.Accounts {
			if a[i] != s.told.Seen[name] {
				return a, false
			}
		}
		return a, true
	case history.Fund:
		if s.told.Refused {
			return a, a != Accounts{}
		}
		return Accounts{int(s.asked.N)}, a == Accounts{}
	}
	from, to := index(s.asked.From), index(s.asked.To)
	right := a[from] == s.from && a[to] == s.to && s.told.Refused == (a[from] == 0)
	if right && !s.told.Refused {
		a[from]--
		a[to]++
	}
	return a, right
}

// transactions is the search for an order of the transactions: each sees all accounts as those before
// it have left them.
func (f *facts) transactions() checker.Search {
	hidden := func(c *call) history.Told {
		seen := map[string]int{}
		for _, op := range c.written(history.Bank) {
			switch name := strings.TrimPrefix(op.Path, history.Bank+"/"); name {
			case c.asked.From:
				seen[name] = int(number(op.Data)) + 1
			case c.asked.To:
				seen[name] = int(number(op.Data)) - 1
			}
		}
		return history.Told{Seen: seen}
	}
	spec := checker.Specification[Accounts, step]{
		Do:        Accounts.apply,
		State:     func(a Accounts) string { return fmt.Sprint([4]int(a)) },
		Operation: step.String,
	}
	return checker.Search{Property: "TransactionsSerializable", Of: "bank", Model: spec.Model(), Partitions: []*checker.Partition{
		f.part(history.Bank, hidden, history.Fund, history.Transfer, history.Audit),
	}}
}
