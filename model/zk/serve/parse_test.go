package serve_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

func TestParseFaults_ReadsEachForm(t *testing.T) {
	create := serve.Request{Op: "create", Path: "/x", Below: true}
	for text, want := range map[string]serve.Fault{
		"expire every 30s":            {Kind: serve.Expire, When: serve.When{Every: 30 * time.Second}},
		"expire session 0xff":         {Kind: serve.Expire, On: serve.Target{Who: serve.TheSession, ID: 255}},
		"lose 1% of answers":          {Kind: serve.Lose, Of: serve.Messages{Share: 0.01}},
		"lose the 12th event of /x":   {Kind: serve.Lose, Of: serve.Messages{Direction: serve.Events, Nth: 12, Request: serve.Request{Path: "/x"}}},
		"delay requests by 1m":        {Kind: serve.Delay, Of: serve.Messages{Direction: serve.Requests}, By: time.Minute},
		"throttle all to 10kB/s":      {Kind: serve.Throttle, On: serve.Target{Who: serve.Everybody}, Rate: 10000},
		"cut a session for 8s":        {Kind: serve.Cut, On: serve.Target{Who: serve.SomeSession}, For: 8 * time.Second},
		"lag member 2 by 1s after 2h": {Kind: serve.Lag, On: serve.Target{Who: serve.TheMember, ID: 2}, By: time.Second, When: serve.When{After: 2 * time.Hour}},
		"lose the third answer to create below /x on the leader": {Kind: serve.Lose, On: serve.Target{Who: serve.TheLeader},
			Of: serve.Messages{Nth: 3, Request: create}},
		`reset after the 2nd request of "/a, b"`:                 {Kind: serve.Reset, When: serve.When{Nth: 2, Request: serve.Request{Path: "/a, b"}}},
		"stop the leader for 5s after the third create below /x": {Kind: serve.Stop, On: serve.Target{Who: serve.TheLeader}, For: 5 * time.Second, When: serve.When{Nth: 3, Request: create}},
		"isolate a follower for 1s every 1m30s":                  {Kind: serve.Isolate, On: serve.Target{Who: serve.SomeFollower}, For: time.Second, When: serve.When{Every: 90 * time.Second}},
		"delay 50% of answers below /x by 1s":                    {Kind: serve.Delay, By: time.Second, Of: serve.Messages{Share: 0.5, Request: serve.Request{Path: "/x", Below: true}}},
	} {
		got, err := serve.ParseFaults(text)
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
			continue
		}
		again, err := serve.ParseFaults(got[0].String())
		if err != nil || len(again) != 1 || again[0] != want {
			t.Errorf("%s is written as %q, which is read as %+v, %v", text, got[0], again, err)
		}
	}
	if got, err := serve.ParseFaults("expire every 30s, lose 1% of answers"); err != nil || len(got) != 2 {
		t.Errorf("two faults are read as %v, %v", got, err)
	}
}

// TestParseFaults_SaysWhatToWrite has a text for each way to be wrong, and what the error must
// have: the part that is wrong, and the remedy.
func TestParseFaults_SaysWhatToWrite(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                  {"fault 1", "expire every 30s"},
		"mute,":                             {"fault 2", "leave out the comma"},
		"explode":                           {`fault 1, "explode"`, `"explode"`, "expire, reset"},
		"mute, lose 1% of answer":           {"fault 2", `"answer" is no kind`, "answers"},
		"lose 200% of answers":              {"200%", "up to 100%"},
		"lose 0% of answers":                {"0%", "above 0%"},
		"lose x% of answers":                {"x%", "above 0%"},
		"lose 1% answers":                   {"behind 1% write of"},
		"lose":                              {`""`, "answers, requests or events"},
		"lose the 3th answer":               {`"3th"`, "11th"},
		"lose the third answers":            {`"answers"`, "answer, request or event"},
		"lose answers to":                   {"behind to", "create"},
		"lose answers to explode":           {`"explode"`, "create"},
		"lose answers below":                {"behind below", "/x"},
		"lose answers below x":              {`"x"`, "/x"},
		`lose answers below "/x`:            {`"/x`, "close the double quotes"},
		"lose events to create":             {`"create"`, "leave out"},
		"lose answers by 1s":                {"only delay and lag"},
		"delay answers":                     {"by 200ms"},
		"delay answers by 5":                {`"5"`, "200ms"},
		"expire every -1s":                  {`"-1s"`, "1m30s"},
		"expire for 1s":                     {"moment", "leave out"},
		"expire every 1s after 2s":          {"several moments", "leave"},
		"expire every 1s every 2s":          {`"every" twice`, "leave one out"},
		"mute all a session":                {"two targets"},
		"mute every 10s":                    {"for 5s"},
		"mute for 10s every 10s":            {"shorter than 10s", "for 5s"},
		"throttle":                          {"to 1000B/s"},
		"throttle to 5":                     {`"5"`, "1000B/s"},
		"throttle to 99999999999999MB/s":    {"no rate", "1000B/s"},
		"mute to 5B/s":                      {"throttle"},
		"stop a session":                    {"a session", "member 1"},
		"stop member":                       {`""`, "above 0"},
		"stop member x":                     {`"x"`, "above 0"},
		"expire after the third":            {"after the 3rd create below /x"},
		"expire after the last create":      {`"last"`, "first to tenth"},
		"expire sometimes":                  {`"sometimes"`, "every or after"},
		"reset after the 1st create beside": {`"beside"`, "every or after"},
	} {
		_, err := serve.ParseFaults(text)
		if err == nil {
			t.Errorf("%q is read", text)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %v: it lacks %q", text, err, part)
			}
		}
	}
}

// FuzzParseFaults holds that a text that is read is written in a form that is read as the same.
func FuzzParseFaults(f *testing.F) {
	f.Add("expire every 30s, lose 1% of answers")
	f.Add(`stop the leader for 5s after the third create below "/a b", throttle to 1kB/s`)
	f.Add("delay the 3rd request to set of /x on member 2 by 1s")
	f.Fuzz(func(t *testing.T, text string) {
		faults, err := serve.ParseFaults(text)
		if err != nil {
			return
		}
		var all []string
		for _, fault := range faults {
			all = append(all, fault.String())
		}
		again, err := serve.ParseFaults(strings.Join(all, ", "))
		if err != nil || len(again) != len(faults) {
			t.Fatalf("%q is written as %q, which is read as %v, %v", text, all, again, err)
		}
		for i := range faults {
			if again[i].String() != all[i] {
				t.Fatalf("%q is read as %q", all[i], again[i])
			}
		}
	})
}
