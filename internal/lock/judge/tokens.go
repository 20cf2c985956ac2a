package judge

import (
	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// tokensGrow: each grant of a lock has a greater token than all grants before, and a locker is
// told the token of its own grant. No two are told the same.
func (f *facts) tokensGrow() checker.Property {
	p := checker.NewFindings("TokensGrow")
	last := map[string]*holding{}
	for _, h := range f.holdings {
		before := last[h.Lock]
		if before != nil && h.token <= before.token {
			p.Violate(wording.Finding{Code: TokenBack, Object: h.Lock, Zxid: h.from, Args: wording.Args{
				"process": h.process(), "at": f.when(h), "token": h.token, "other": before.process(), "earlier": before.token,
			}}, append(before.events(), h.events()...)...)
			continue
		}
		last[h.Lock] = h
	}
	told := map[granted]record.Event{}
	count := 0
	for _, a := range f.attempts {
		if !a.told() {
			continue
		}
		count++
		key := granted{a.lock(), a.token()}
		if before, twice := told[key]; twice {
			p.Violate(wording.Finding{Code: TokenTwice, Object: a.lock(), Args: wording.Args{
				"process": a.Invoke.Process, "at": a.Done.At, "token": a.token(), "other": before.Process,
			}}, before, a.Done)
		}
		told[key] = a.Done
		h := f.byToken[key]
		if f.Ordered() && (h == nil || f.maker(h.standing) != a.Invoke.Process || h.Mode != a.asked.Mode) {
			p.Violate(wording.Finding{Code: TokenOfNone, Object: a.lock(), Args: wording.Args{
				"process": a.Invoke.Process, "at": a.Done.At, "token": a.token(),
			}}, a.Invoke, a.Done)
		}
	}
	return p.Property("%d lockers were told a token. Each is that of its own grant, and greater than those of all grants of the lock before.", count)
}
