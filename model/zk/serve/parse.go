package serve

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseFaults reads faults from a text, such as "expire every 30s, lose 1% of answers".
//
//	faults   = fault { "," fault }
//	fault    = kind [ messages ] [ [ "on" ] target ] { clause }
//	kind     = "expire" | "reset" | "refuse" | "cut" | "mute" | "deafen" | "lose" | "delay" |
//	           "throttle" | "lag" | "isolate" | "stop"
//	messages = ( SHARE "of" "answers" | "answers" | "the" NTH "answer" ) [ "to" OP ] [ where ]
//	           (or requests or events in place of answers; an event has no OP)
//	where    = ( "of" | "below" ) PATH
//	target   = "all" | "a session" | "session" ID | "a member" | "member" ID | "the leader" |
//	           "a follower" | "an observer"
//	clause   = "for" TIME | "by" TIME | "to" RATE | "every" TIME | "after" TIME |
//	           "after the" NTH ( OP | "request" ) [ where ]
//
// Only lose and delay have messages. A SHARE is a number and %, a NTH is "first" to "tenth" or
// a number such as 3rd, a TIME is as in 200ms or 1m30s, a RATE is a number of bytes, such as
// 1000B/s, 10kB/s or 1MB/s, an OP is as in Request.Op, and an ID is a number, of a session also
// 0x and hexadecimal digits. A PATH with a blank or a comma stands in double quotes.
//
//	lose the third answer to create below /x
//	cut a session for 8s every 1m
//	stop the leader for 5s after the third create below /x
//	delay 10% of requests by 200ms, throttle to 10kB/s, lag member 2 by 1s
//
// Fault.String writes a fault in this form. The error names the fault and says what to write.
func ParseFaults(text string) ([]Fault, error) {
	words, err := split(text)
	if err != nil {
		return nil, err
	}
	var faults []Fault
	for i, of := range words {
		p := parser{words: of}
		f, err := p.fault()
		if err == nil {
			err = f.Validate()
		}
		if err != nil {
			return nil, fmt.Errorf("fault %d, %q: %s", i+1, strings.Join(of, " "), strings.TrimPrefix(err.Error(), "serve: "))
		}
		faults = append(faults, f)
	}
	return faults, nil
}

// split splits a text into the words of each fault. Words in quotes keep their quotes.
func split(text string) ([][]string, error) {
	const blanks = " \t\n"
	faults := [][]string{nil}
	for rest := strings.TrimLeft(text, blanks); rest != ""; rest = strings.TrimLeft(rest, blanks) {
		if rest[0] == ',' {
			faults, rest = append(faults, nil), rest[1:]
			continue
		}
		n := strings.IndexAny(rest, blanks+",")
		if rest[0] == '"' {
			word, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, fmt.Errorf("%s has no end: close the double quotes", rest)
			}
			n = len(word)
		} else if n < 0 {
			n = len(rest)
		}
		last := len(faults) - 1
		faults[last], rest = append(faults[last], rest[:n]), rest[n:]
	}
	for i, words := range faults {
		if len(words) == 0 {
			return nil, fmt.Errorf("fault %d of %q is empty; write one such as %q, or leave out the comma", i+1, text, "expire every 30s")
		}
	}
	return faults, nil
}

// parser reads the words of one fault.
type parser struct {
	words []string
	at    int
	seen  []string // the first words of its clauses
}

// next is the next word, or "".
func (p *parser) next() string {
	if p.at == len(p.words) {
		return ""
	}
	return p.words[p.at]
}

// take takes the next word.
func (p *parser) take() string {
	word := p.next()
	if word != "" {
		p.at++
	}
	return word
}

// skip takes the words if they are the next ones.
func (p *parser) skip(words string) bool {
	want := strings.Fields(words)
	if len(p.words)-p.at < len(want) || !slices.Equal(p.words[p.at:p.at+len(want)], want) {
		return false
	}
	p.at += len(want)
	return true
}

func (p *parser) fault() (Fault, error) {
	f := Fault{Kind: Kind(p.take())}
	has, known := traits[f.Kind]
	if !known {
		return f, f.Validate()
	}
	var err error
	if has.messages {
		if f.Of, err = p.messages(); err != nil {
			return f, err
		}
	}
	for err == nil && p.next() != "" {
		err = p.clause(&f)
	}
	return f, err
}

// messages are which messages are lost or late.
func (p *parser) messages() (Messages, error) {
	var m Messages
	first, plural := p.take(), "s"
	switch share, isShare := strings.CutSuffix(first, "%"); {
	case isShare:
		number, err := strconv.ParseFloat(share, 64)
		if err != nil || !(number > 0 && number <= 100) {
			return m, fmt.Errorf("%s is no share; write one above 0%% and up to 100%%", first)
		}
		if m.Share = number / 100; !p.skip("of") {
			return m, fmt.Errorf("behind %s write of, and answers, requests or events", first)
		}
		first = p.take()
	case first == "the":
		nth, err := parseOrdinal(p.take())
		if err != nil {
			return m, err
		}
		m.Nth, plural, first = nth, "", p.take()
	}
	direction := slices.Index(directions, strings.TrimSuffix(first, plural))
	if direction < 0 || !strings.HasSuffix(first, plural) {
		return m, fmt.Errorf("%q is no kind of message; write %s", first, "answer"+plural+", request"+plural+" or event"+plural)
	}
	m.Direction = Direction(direction)
	if p.skip("to") {
		m.Request.Op = p.take()
		if m.Request.Op == "" {
			return m, fmt.Errorf("behind to write the name of a request, such as create")
		}
	}
	return m, p.where(&m.Request)
}

// where is the path of a request, if there is one.
func (p *parser) where(r *Request) error {
	word := p.next()
	if word != "of" && word != "below" {
		return nil
	}
	p.take()
	path := p.take()
	if strings.HasPrefix(path, `"`) {
		path, _ = strconv.Unquote(path) // split has seen that it can be
	}
	if path == "" {
		return fmt.Errorf("behind %s write the path of a znode, such as /x", word)
	}
	r.Path, r.Below = path, word == "below"
	return nil
}

// clause is a target, a time, a rate or a moment.
func (p *parser) clause(f *Fault) error {
	for _, who := range []Who{Everybody, SomeSession, SomeMember, TheLeader, SomeFollower, SomeObserver, TheSession, TheMember} {
		if p.skip("on "+words[who]) || p.skip(words[who]) {
			if f.On.Who != Default {
				return fmt.Errorf("it has two targets; leave %q or %q out", f.On, words[who])
			}
			return p.target(f, who)
		}
	}
	word := p.take()
	if slices.Contains(p.seen, word) {
		return fmt.Errorf("it has %q twice; leave one out", word)
	}
	p.seen = append(p.seen, word)
	var err error
	switch word {
	case "for":
		f.For, err = p.span(word)
	case "by":
		f.By, err = p.span(word)
	case "every":
		f.When.Every, err = p.span(word)
	case "to":
		f.Rate, err = parseRate(p.take())
	case "after":
		if p.skip("the") {
			return p.moment(&f.When)
		}
		f.When.After, err = p.span(word)
	default:
		err = fmt.Errorf("%q is not understood here; write for, by, to, every or after, or a target: %s", word, "all, a session, a member, member 1, the leader, a follower or an observer")
	}
	return err
}

func (p *parser) target(f *Fault, who Who) error {
	f.On.Who = who
	if who != TheSession && who != TheMember {
		return nil
	}
	word := p.take()
	id, err := strconv.ParseUint(word, 0, 64)
	if err != nil || id == 0 {
		return fmt.Errorf("%q is no id of a %s; write a number above 0", word, words[who])
	}
	f.On.ID = int64(id)
	return nil
}

// moment is the request after which a fault happens.
func (p *parser) moment(w *When) error {
	nth, err := parseOrdinal(p.take())
	if err != nil {
		return err
	}
	op := p.take()
	if op == "" {
		return fmt.Errorf("say which request, such as %q", "after the 3rd create below /x")
	}
	if op == anyRequest {
		op = ""
	}
	w.Nth, w.Request.Op = nth, op
	return p.where(&w.Request)
}

// span is a time behind a word.
func (p *parser) span(behind string) (time.Duration, error) {
	word := p.take()
	d, err := time.ParseDuration(word)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no time; behind %s write one such as 200ms or 1m30s", word, behind)
	}
	return d, nil
}

func parseRate(word string) (int, error) {
	for _, unit := range []struct {
		name  string
		bytes int
	}{{"kB/s", 1000}, {"MB/s", 1000_000}, {"B/s", 1}} {
		if number, has := strings.CutSuffix(word, unit.name); has {
			if n, err := strconv.Atoi(number); err == nil && n > 0 && n <= mostRate/unit.bytes {
				return n * unit.bytes, nil
			}
		}
	}
	return 0, fmt.Errorf("%q is no rate; write a number of bytes a second, such as 1000B/s, 10kB/s or 1MB/s", word)
}

// mostRate is the greatest rate of a line, in bytes a second.
const mostRate = 1_000_000_000_000

var ordinals = []string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}

func parseOrdinal(word string) (int, error) {
	if i := slices.Index(ordinals, word); i >= 0 {
		return i + 1, nil
	}
	digits := strings.TrimRight(word, "stndrh")
	if n, err := strconv.Atoi(digits); err == nil && n > 0 && word == ordinal(n) {
		return n, nil
	}
	return 0, fmt.Errorf("%q does not say which one; write first to tenth, or a number such as 11th", word)
}

// ordinal is 1st for 1.
func ordinal(n int) string {
	ending := "th"
	if tens := n / 10 % 10; tens != 1 && n%10 >= 1 && n%10 <= 3 {
		ending = []string{"st", "nd", "rd"}[n%10-1]
	}
	return strconv.Itoa(n) + ending
}

// percent writes a share, without the noise of binary fractions.
func percent(share float64) string {
	const digits = 12
	return strconv.FormatFloat(share*100, 'g', digits, 64) + "%"
}

// span writes a time without zeros at its end: 1m for 1m0s.
func span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// quoted writes a path, in double quotes if it needs them.
func quoted(path string) string {
	if strings.ContainsAny(path, " ,\t\n\"") || strconv.Quote(path) != `"`+path+`"` {
		return strconv.Quote(path)
	}
	return path
}
