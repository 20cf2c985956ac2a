package world

import (
	"context"
	"slices"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The notes of a producer, for the judge. An item has what its producer was told of it as the value
// of a note.
const (
	isPut   = "put"
	isNone  = "none"
	isDoubt = "doubt"
)

// producer is one process that puts items. All that its thread depends on is in its fields.
type producer struct {
	Config
	name   string
	host   explore.Host
	queue  *queue.Queue
	wanted context.Context
	next   int
	ended  bool
}

// program is the code of the process.
func (p producer) program() explore.Program {
	return func(ctx context.Context, host explore.Host) {
		one := p
		one.host, one.queue = host, p.open(host, p.name)
		one.run(ctx)
	}
}

// open is the queue as a process uses it.
func (c Config) open(host explore.Host, name string) *queue.Queue {
	guard, _ := worlds.Find(Guards(), c.Without) // World has checked it
	q, err := queue.New(guard.Env(host), path, queue.Config{Name: name, MaxTakes: c.MaxTakes})
	if err != nil {
		panic(err)
	}
	return q
}

// until is a context that ends when the process is asked to leave.
func until(ctx context.Context, host explore.Host) context.Context {
	wanted, leave := context.WithCancel(ctx)
	host.Spawn("leave", func() {
		zkapi.Checkpoint(host, "leave")
		_, _ = host.Wait(ctx, host.Leave())
		leave()
	})
	return wanted
}

// run puts the items. An item whose fate is in doubt is not put again, and neither are those after it:
// its session goes on, so that what is left stays.
func (p *producer) run(ctx context.Context) {
	zkapi.DependsOn(p.host, p)
	p.wanted = until(ctx, p.host)
	all := p.items(p.name)
	for p.next < len(all) && !p.ended {
		several := all[p.next : p.next+1]
		if p.Together {
			several = all[p.next:]
		}
		p.put(several)
	}
	p.host.Note(doneNote, "1")
	zkapi.Checkpoint(p.host, "done")
	_, _ = p.host.Wait(ctx)
}

// put puts items with one call.
func (p *producer) put(several []string) {
	var items []queue.Item
	for i, name := range several {
		item := queue.Item{Payload: []byte(name)}
		if p.Priority && p.next+i == p.Items-1 {
			item.Options = append(item.Options, queue.Priority(50))
		}
		if p.Delay && p.next+i == 0 {
			item.Options = append(item.Options, queue.Delay(wait))
		}
		items = append(items, item)
	}
	for _, err := range p.queue.PutAll(p.wanted, slices.Values(items)) {
		told := isPut
		if err != nil {
			told, p.ended = isDoubt, true
			if zkapi.FateOf(err) == zkapi.NotApplied {
				told = isNone
			}
		}
		p.host.Note(p.items(p.name)[p.next], told)
		p.next++
	}
}
