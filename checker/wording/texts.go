package wording

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Texts has a template for each code. {name} is an argument, {object} the object that the
// finding is about, and {zxid} its zxid; {name|how} is an argument shown as a time, a
// duration (long), a zxid (hex), a list or a quotation. Text in brackets is left out if
// one of its arguments is not known.
type Texts map[Code]string

// Everywhere are the templates of the codes of this package.
func Everywhere() Texts { return maps.Clone(everywhere) }

// Merge joins tables. It panics if two of them do not say the same of a code, because that
// is an error of the program.
func Merge(tables ...Texts) Texts {
	all := Texts{}
	for _, table := range tables {
		for _, code := range slices.Sorted(maps.Keys(table)) {
			if said, twice := all[code]; twice && said != table[code] {
				panic(fmt.Sprintf("the code %q has two sentences: %q and %q", code, said, table[code]))
			}
			all[code] = table[code]
		}
	}
	return all
}

// place is an argument in a template: its name, and how it is shown.
var place = regexp.MustCompile(`\{(\w+)(?:\|(\w+))?\}`)

// option is a part of a template that is left out if an argument in it is not known.
var option = regexp.MustCompile(`\[([^\]]*)\]`)

// Sentence is a finding in English. A code that has no template is of another program.
func (t Texts) Sentence(f Finding) string {
	text, known := t[f.Code]
	if !known {
		return fmt.Sprintf("%s: %s %v.", f.Code, f.Object, plain(f.Args))
	}
	text = option.ReplaceAllStringFunc(text, func(part string) string {
		for _, found := range place.FindAllStringSubmatch(part, -1) {
			if value := f.value(found[1]); value == nil || number(value) == 0 && found[2] == "hex" {
				return ""
			}
		}
		return part[1 : len(part)-1]
	})
	return place.ReplaceAllStringFunc(text, func(at string) string {
		found := place.FindStringSubmatch(at)
		return show(f.value(found[1]), found[2])
	})
}

// Needs are the arguments that the template of a code cannot do without.
func (t Texts) Needs(code Code) []string {
	var all []string
	for _, found := range place.FindAllStringSubmatch(option.ReplaceAllString(t[code], ""), -1) {
		all = append(all, found[1])
	}
	return all
}

// Sentences are those of several findings, and how many more there are. Each finding gets
// its own.
func (t Texts) Sentences(all []Finding, more int) string {
	said := make([]string, len(all))
	for i := range all {
		all[i].Says = t.Sentence(all[i])
		said[i] = all[i].Says
	}
	text := strings.Join(said, " ")
	if more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

func (f Finding) value(name string) any {
	switch value, given := f.Args[name]; {
	case given:
		return value
	case name == "object":
		return f.Object
	case name == "zxid":
		return f.Zxid
	}
	return nil
}

// show puts an argument into a sentence.
func show(value any, as string) string {
	switch as {
	case "time":
		return Seconds(time.Duration(number(value)))
	case "long":
		return time.Duration(number(value)).String()
	case "hex":
		return fmt.Sprintf("0x%x", number(value))
	case "quoted":
		return fmt.Sprintf("%q", value)
	case "list":
		return strings.Join(list(value), ", ")
	}
	return fmt.Sprint(value)
}

// number is the value of an argument that is a whole number, or a time.
func number(value any) int64 {
	n, _ := strconv.ParseInt(plain(value), 10, 64)
	return n
}

// list is the value of an argument that is a list.
func list(value any) []string {
	switch value := value.(type) {
	case []string:
		return value
	case []any:
		all := make([]string, len(value))
		for i, v := range value {
			all[i] = fmt.Sprint(v)
		}
		return all
	}
	return nil
}
