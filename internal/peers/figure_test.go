package peers

import (
	"slices"
	"strings"
	"testing"
)

func TestRead_TakesWhatProgramsPrint(t *testing.T) {
	printed := `{"what":"server","setting":"Redis 7, appendfsync always"}
{"what":"submit","setting":"put_all","tasks":100,"seconds":0.5}
{"what":"drain","setting":"8 consumers","waiting":20000,"tasks":480,"seconds":12}
{"what":"lone","setting":"no result","tasks":40,"seconds":0.004}
{"what":"grants","waiting":8,"tasks":50,"seconds":5}
{"what":"passed","tasks":40,"seconds":0.005}
{"what":"puts","tasks":40,"seconds":2}
{"what":"puts-of-many","setting":"put_all of 100","tasks":1000,"seconds":2}
{"what":"takes","waiting":4,"tasks":50,"seconds":5}
`
	got, err := read(strings.NewReader(printed))
	want := []Figure{
		{What: Server, Setting: "Redis 7, appendfsync always"},
		{What: Submit, Setting: "put_all", Tasks: 100, Seconds: 0.5},
		{What: Drain, Setting: "8 consumers", Waiting: 20000, Tasks: 480, Seconds: 12},
		{What: Lone, Setting: "no result", Tasks: 40, Seconds: 0.004},
		{What: Grants, Waiting: 8, Tasks: 50, Seconds: 5},
		{What: Passed, Tasks: 40, Seconds: 0.005},
		{What: Puts, Tasks: 40, Seconds: 2},
		{What: PutsOfMany, Setting: "put_all of 100", Tasks: 1000, Seconds: 2},
		{What: Takes, Waiting: 4, Tasks: 50, Seconds: 5},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
	for i, each := range map[int]float64{1: 0.005, 2: 0.025, 3: 0.004, 4: 0.1, 5: 0.005, 6: 0.05, 7: 0.002, 8: 0.1} {
		if got := want[i].EachTakes(); got != each {
			t.Errorf("one task of %+v takes %v s, not %v", want[i], got, each)
		}
	}
}

// TestRead_RefusesWhatIsNoFigure: a line that is not understood is an error that quotes it.
func TestRead_RefusesWhatIsNoFigure(t *testing.T) {
	good := `{"what":"submit","tasks":100,"seconds":0.5}`
	for _, bad := range []string{
		"warning: something",
		"",
		`{"what":"submit","tasks":100,"secs":0.5}`,
		good + good,
		`{"what":"speed","tasks":100,"seconds":0.5}`,
		`{"what":"submit","tasks":0,"seconds":0.5}`,
		`{"what":"submit","tasks":100,"seconds":0}`,
		`{"what":"submit","tasks":100}`,
		`{"what":"drain","waiting":99,"tasks":100,"seconds":0.5}`,
		`{"what":"grants","tasks":100,"seconds":5}`,
		`{"what":"takes","tasks":100,"seconds":5}`,
		`{"what":"pair","tasks":100}`,
		`{"what":"server","setting":""}`,
	} {
		_, err := read(strings.NewReader(good + "\n" + bad + "\n"))
		if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(bad, `"`, `\"`)) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
