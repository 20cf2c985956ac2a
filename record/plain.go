package record

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// plain reads a line as this program writes it: fields by their exact names, without
// white space. It is several times as fast as encoding/json, and makes a string
// that repeats only once. Anything else in a line makes it fail; then encoding/json reads
// the line, and tells what is wrong with it if something is. So plain may refuse, but it
// may never read a line otherwise than encoding/json does.
type plain struct {
	*words
	line   []byte
	at     int
	failed bool

	text []byte // of a string with escapes
	ops  []Op
}

// read reads a line into an event, an exchange or a commit. It reports whether it could;
// if not, v is as it was.
func (p *plain) read(line []byte, v any, version int) bool {
	p.line, p.at, p.failed = bytes.TrimSuffix(line, []byte{'\n'}), 0, false
	switch v := v.(type) {
	case *Event:
		if e := p.event(version); p.over() {
			*v = e
			return true
		}
	case *Exchange:
		if x := p.exchange(); p.over() {
			*v = x
			return true
		}
	case *Commit:
		if c := p.commit(); p.over() {
			*v = c
			return true
		}
	}
	return false
}

// over reports whether the whole line was read.
func (p *plain) over() bool { return !p.failed && p.at == len(p.line) }

// take takes a byte if it is the next one.
func (p *plain) take(c byte) bool {
	if p.failed || p.at >= len(p.line) || p.line[p.at] != c {
		return false
	}
	p.at++
	return true
}

func (p *plain) demand(c byte) {
	if !p.take(c) {
		p.failed = true
	}
}

// object reads an object. The function reads the value of the field that it is given, and
// reports whether it knows the field. Of a field that comes twice the last value stays,
// as for encoding/json, unless that would merge the two: then the function refuses it.
func (p *plain) object(field func(name []byte) bool) {
	for p.demand('{'); !p.failed; p.demand(',') {
		name := p.raw()
		p.demand(':')
		if p.failed || !field(name) {
			break
		}
		if p.take('}') {
			return
		}
	}
	p.failed = true
}

// raw reads a string without escapes and without bytes that are not ASCII.
func (p *plain) raw() []byte {
	p.demand('"')
	from := p.at
	for ; !p.failed && p.at < len(p.line); p.at++ {
		switch c := p.line[p.at]; {
		case c == '"':
			p.at++
			return p.line[from : p.at-1]
		case c < ' ' || c == '\\' || c >= utf8.RuneSelf:
			p.failed = true
		}
	}
	p.failed = true
	return nil
}

// escapes are those that plain knows.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f'}

// word reads a string.
func (p *plain) word() string {
	p.demand('"')
	from, ascii := p.at, true
	p.text = p.text[:0]
	for ; !p.failed && p.at < len(p.line); p.at++ {
		switch c := p.line[p.at]; {
		case c == '"':
			text := p.line[from:p.at]
			if len(p.text) > 0 {
				p.text = append(p.text, text...)
				text = p.text
			}
			p.at++
			p.failed = !ascii && !utf8.Valid(text) // encoding/json replaces what is not valid
			return p.words.of(text)
		case c == '\\' && p.at+1 < len(p.line) && escapes[p.line[p.at+1]] != 0:
			p.text = append(append(p.text, p.line[from:p.at]...), escapes[p.line[p.at+1]])
			p.at++
			from = p.at + 1
		case c == '\\' || c < ' ':
			p.failed = true
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	p.failed = true
	return ""
}

// whole reads a whole number.
func (p *plain) whole(least, most int64) int64 {
	negative := p.take('-')
	from, n := p.at, int64(0)
	for p.at < len(p.line) && '0' <= p.line[p.at] && p.line[p.at] <= '9' {
		n = 10*n + int64(p.line[p.at]-'0')
		p.at++
	}
	digits := p.at - from
	if digits == 0 || digits > 18 || digits > 1 && p.line[from] == '0' {
		p.failed = true
	}
	if negative {
		n = -n
	}
	p.failed = p.failed || n < least || n > most
	return n
}

func (p *plain) int64() int64        { return p.whole(math.MinInt64, math.MaxInt64) }
func (p *plain) int() int            { return int(p.whole(math.MinInt, math.MaxInt)) }
func (p *plain) int32() int32        { return int32(p.whole(math.MinInt32, math.MaxInt32)) }
func (p *plain) time() time.Duration { return time.Duration(p.int64()) }

func (p *plain) bool() bool {
	for _, value := range []bool{true, false} {
		if text := strconv.FormatBool(value); !p.failed && bytes.HasPrefix(p.line[p.at:], []byte(text)) {
			p.at += len(text)
			return value
		}
	}
	p.failed = true
	return false
}

// list reads a list that is not empty.
func (p *plain) list(element func()) {
	for p.demand('['); !p.failed; p.demand(',') {
		if element(); p.take(']') {
			return
		}
	}
}

// parts reads the parts of a write.
func (p *plain) parts() []Op {
	p.ops = p.ops[:0]
	p.list(func() { p.ops = append(p.ops, p.op()) })
	return slices.Clone(p.ops)
}

func (p *plain) op() (op Op) {
	p.object(func(name []byte) bool {
		switch string(name) {
		case "kind":
			op.Kind = p.word()
		case "path":
			op.Path = p.word()
		case "version":
			op.Version = p.int32()
		case "ephemeral":
			op.Ephemeral = p.bool()
		case "sequential":
			op.Sequential = p.bool()
		case "data":
			op.Data = p.word()
		case "got":
			op.Got = p.int32()
		default:
			return false
		}
		return true
	})
	return op
}

func (p *plain) exchange() (x Exchange) {
	p.object(func(name []byte) bool {
		switch string(name) {
		case "process":
			x.Process = p.word()
		case "life":
			x.Life = p.int()
		case "session":
			x.Session = p.word()
		case "xid":
			x.Xid = p.int32()
		case "sent":
			x.Sent = p.time()
		case "answered":
			x.Answered = p.time()
		case "zxid":
			x.Zxid = p.int64()
		case "error":
			x.Error = Refusal(p.word())
		case "index":
			x.Index = p.int()
		case "close":
			x.Close = p.bool()
		case "ops":
			p.failed = x.Ops != nil
			x.Ops = p.parts()
		default:
			return false
		}
		return true
	})
	return x
}

func (p *plain) commit() (c Commit) {
	p.object(func(name []byte) bool {
		switch string(name) {
		case "zxid":
			c.Zxid = p.int64()
		case "session":
			c.Session = p.word()
		case "xid":
			c.Xid = p.int32()
		case "at":
			c.At = p.time()
		case "servers":
			p.failed = c.Servers != nil
			p.list(func() { c.Servers = append(c.Servers, p.word()) })
		case "kind":
			c.Kind = p.word()
		case "error":
			c.Error = Refusal(p.word())
		case "ops":
			p.failed = c.Ops != nil
			c.Ops = p.parts()
		default:
			return false
		}
		return true
	})
	return c
}

// event reads an event of the kinds that a long run has in numbers.
func (p *plain) event(version int) (e Event) {
	p.failed = version != Version
	p.object(func(name []byte) bool {
		switch string(name) {
		case "seq":
			e.Seq = p.int()
		case "at":
			e.At = p.time()
		case "process":
			e.Process = p.word()
		case "life":
			e.Life = p.int()
		case "type":
			e.Type = Type(p.word())
		case "kind":
			e.Kind = Kind(p.word())
		case "op":
			e.Op = p.int64()
		default:
			several := e.Of != nil
			e.Of = p.payload(name)
			return e.Of != nil && !several
		}
		return true
	})
	p.failed = p.failed || !fits(e.Kind, e.Of)
	return e
}

// payload reads the payload of an event by the name of its field; nil if plain does not
// know it.
func (p *plain) payload(name []byte) Payload {
	switch string(name) {
	case "request":
		return p.request()
	case "answer":
		return p.answer()
	case "submission":
		return p.submission()
	case "execution":
		return p.execution()
	case "act":
		return p.act()
	case "task":
		return p.change()
	}
	return nil
}

func (p *plain) request() (r Request) {
	p.object(func(name []byte) bool {
		switch string(name) {
		case "session":
			r.Session = p.word()
		case "ops":
			p.failed = r.Ops != nil
			r.Ops = p.parts()
		case "problem":
			r.Problem = p.word()
		default:
			return false
		}
		return true
	})
	return r
}

// ofTask reads a field that many payloads have.
func (p *plain) ofTask(name []byte, task, id *string, token *Token) bool {
	switch string(name) {
	case "task":
		*task = p.word()
	case "id":
		*id = p.word()
	case "epoch":
		token.Epoch = p.int32()
	case "attempt":
		token.Attempt = p.int32()
	default:
		return false
	}
	return true
}

func (p *plain) answer() (a Answer) {
	p.object(func(name []byte) bool {
		switch string(name) {
		case "state":
			a.State = p.word()
		case "result":
			a.Result = p.word()
		case "problem":
			a.Problem = p.word()
		default:
			return p.ofTask(name, &a.Task, &a.ID, &a.Token)
		}
		return true
	})
	return a
}

func (p *plain) submission() (s Submission) {
	p.object(func(name []byte) bool {
		switch string(name) {
		case "id":
			s.ID = p.word()
		case "task":
			s.Task = p.word()
		case "due":
			s.Due = p.time()
		case "created":
			s.Created = p.bool()
		case "found":
			s.Found = p.bool()
		case "in_doubt":
			s.InDoubt = p.bool()
		case "backlog_full":
			s.BacklogFull = p.bool()
		case "problem":
			s.Problem = p.word()
		default:
			return false
		}
		return true
	})
	return s
}

func (p *plain) execution() (e Execution) {
	p.object(func(name []byte) bool {
		switch string(name) {
		case "resident":
			e.Resident = p.bool()
		case "result":
			e.Result = p.word()
		case "lapsed":
			e.Lapsed = p.bool()
		case "problem":
			e.Problem = p.word()
		default:
			return p.ofTask(name, &e.Task, &e.ID, &e.Token)
		}
		return true
	})
	return e
}

func (p *plain) act() (a Act) {
	p.object(func(name []byte) bool {
		switch string(name) {
		case "accepted":
			a.Accepted = p.bool()
		case "deed":
			a.Deed = p.word()
		case "by":
			a.By = p.life()
		default:
			return p.ofTask(name, &a.Task, &a.ID, &a.Token)
		}
		return true
	})
	return a
}

// life reads the notation of a life.
func (p *plain) life() Life {
	process, number, _ := strings.Cut(string(p.raw()), "/")
	n, err := strconv.Atoi(number)
	p.failed = p.failed || err != nil || strconv.Itoa(n) != number
	p.words.shared(&process)
	return Life{process, n}
}

func (p *plain) change() (c TaskChange) {
	p.object(func(name []byte) bool {
		switch string(name) {
		case "task":
			c.Task = p.word()
		case "fate":
			c.Fate = TaskFate(p.word())
		case "worker":
			c.Worker = p.word()
		default:
			return false
		}
		return true
	})
	return c
}
