package tlc

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Value is a TLA+ value as TLC prints it. Two values are equal if and only if their
// Strings are: the elements of sets and the fields of functions are in order.
type Value struct {
	text   string
	fields map[string]Value // of a record or a function, by the String of the argument
	items  []Value          // of a set or a sequence
}

// String is the value in one line, in TLA+.
func (v Value) String() string { return v.text }

// Items are the elements of a set or a sequence.
func (v Value) Items() []Value { return v.items }

// Field is the value of a record's field.
func (v Value) Field(name string) Value { return v.fields[strconv.Quote(name)] }

// Fields are the arguments of a function or a record, in order.
func (v Value) Fields() []string {
	var names []string
	for name := range v.fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// At is the value of a function at an argument, given as its String.
func (v Value) At(argument string) Value { return v.fields[argument] }

// Has reports whether a function or a record has that argument, given as its String.
func (v Value) Has(argument string) bool { _, ok := v.fields[argument]; return ok }

// Text is the content of a string.
func (v Value) Text() string {
	s, err := strconv.Unquote(v.text)
	if err != nil {
		return v.text
	}
	return s
}

// Str, Int, Bool and Model make values without parts.
func Str(s string) Value   { return Value{text: strconv.Quote(s)} }
func Int(n int) Value      { return Value{text: strconv.Itoa(n)} }
func Bool(b bool) Value    { return Value{text: strings.ToUpper(strconv.FormatBool(b))} }
func Model(s string) Value { return Value{text: s} }

// Seq is a sequence.
func Seq(items ...Value) Value {
	return Value{text: "<<" + join(items) + ">>", items: items}
}

// Set is a set.
func Set(items ...Value) Value {
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b Value) int { return strings.Compare(a.text, b.text) })
	items = slices.CompactFunc(items, func(a, b Value) bool { return a.text == b.text })
	return Value{text: "{" + join(items) + "}", items: items}
}

// Record is a record; Fun is a function by the Strings of its arguments.
func Record(fields map[string]Value) Value {
	quoted := map[string]Value{}
	for name, v := range fields {
		quoted[strconv.Quote(name)] = v
	}
	return Fun(quoted)
}

// Fun is a function; a record is one whose arguments are strings.
func Fun(fields map[string]Value) Value {
	v := Value{fields: fields}
	var parts []string
	for _, name := range v.Fields() {
		parts = append(parts, name+" :> "+fields[name].text)
	}
	v.text = "(" + strings.Join(parts, " @@ ") + ")"
	return v
}

func join(items []Value) string {
	var parts []string
	for _, i := range items {
		parts = append(parts, i.text)
	}
	return strings.Join(parts, ", ")
}

// Parse reads one value.
func Parse(text string) (v Value, err error) {
	p := &parser{text: text}
	defer p.guard(&err)
	v = p.value()
	if p.skip(); p.at != len(p.text) {
		panic("more than one value")
	}
	return v, nil
}

// ParseState reads a state as TLC prints it: one conjunct for each variable.
func ParseState(text string) (variables map[string]Value, err error) {
	p := &parser{text: text}
	defer p.guard(&err)
	variables = map[string]Value{}
	for p.skip(); p.at < len(p.text); p.skip() {
		if p.peek(`/\`) {
			p.take(`/\`)
		}
		name := p.word()
		p.take("=")
		variables[name] = p.value()
	}
	return variables, nil
}

// parser reads values. It panics if it cannot, and guard turns that into an error.
type parser struct {
	text string
	at   int
}

func (p *parser) guard(err *error) {
	if failure := recover(); failure != nil {
		rest := p.text[min(p.at, len(p.text)):]
		*err = fmt.Errorf("tlc: %v at %q", failure, rest[:min(len(rest), 60)])
	}
}

func (p *parser) skip() {
	for p.at < len(p.text) && strings.IndexByte(" \n\t\r", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) peek(token string) bool {
	p.skip()
	return strings.HasPrefix(p.text[p.at:], token)
}

func (p *parser) take(token string) {
	if !p.peek(token) {
		panic("expected " + token)
	}
	p.at += len(token)
}

func (p *parser) word() string {
	p.skip()
	from := p.at
	for p.at < len(p.text) && (p.text[p.at] == '_' || p.text[p.at] == '-' || p.text[p.at] >= '0' && p.text[p.at] <= '9' ||
		p.text[p.at] >= 'a' && p.text[p.at] <= 'z' || p.text[p.at] >= 'A' && p.text[p.at] <= 'Z') {
		p.at++
	}
	if from == p.at {
		panic("expected a value")
	}
	return p.text[from:p.at]
}

func (p *parser) value() Value {
	switch {
	case p.peek("<<"):
		return Seq(p.list("<<", ">>")...)
	case p.peek("{"):
		return Set(p.list("{", "}")...)
	case p.peek("["):
		return p.record()
	case p.peek("("):
		return p.function()
	case p.peek(`"`):
		rest := p.text[p.at:]
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			panic("a string without an end")
		}
		p.at += len(quoted)
		return Value{text: quoted}
	}
	return Value{text: p.word()}
}

func (p *parser) list(open, end string) []Value {
	var items []Value
	p.take(open)
	for !p.peek(end) {
		if len(items) > 0 {
			p.take(",")
		}
		items = append(items, p.value())
	}
	p.take(end)
	return items
}

// record reads [name |-> value, ...], and function (argument :> value @@ ...).
func (p *parser) record() Value {
	return p.pairs("[", ",", "|->", "]", func() string { return strconv.Quote(p.word()) })
}

func (p *parser) function() Value {
	return p.pairs("(", "@@", ":>", ")", func() string { return p.value().text })
}

func (p *parser) pairs(open, between, arrow, end string, argument func() string) Value {
	fields := map[string]Value{}
	p.take(open)
	for !p.peek(end) {
		if len(fields) > 0 {
			p.take(between)
		}
		name := argument()
		p.take(arrow)
		fields[name] = p.value()
	}
	p.take(end)
	return Fun(fields)
}
