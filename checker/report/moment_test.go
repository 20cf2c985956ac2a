package report

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/story"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

var (
	number = regexp.MustCompile(`text-anchor="middle"[^>]*>(\d+)<`)
	circle = regexp.MustCompile(`<circle cx="([0-9.]+)" cy="([0-9.]+)" r="9.0" style="fill:(#[0-9a-f]+)`)
)

// TestMoment_OfEveryViolation draws all frozen violations: each step of the story that
// is near is there under its number, the wrong ones in red, and no two marks cover each
// other.
func TestMoment_OfEveryViolation(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(recordtest.Folder(t), "*-bad.evidence.json"))
	if err != nil || len(paths) < 30 {
		t.Fatalf("%d frozen histories, %v", len(paths), err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".evidence.json")
		p := judged(t, name)
		stage := arrange(p.Run, p.Servers, p.Lanes)
		for _, v := range p.Report.Violations() {
			story := explain.Violation(indexed(record.Run{Events: p.Run.Run.Events}), v, named())
			holdMoment(t, name+" "+v.Name, story, stage.moment(story))
		}
	}
}

func holdMoment(t *testing.T, name string, story explain.Story, picture string) {
	t.Helper()
	drawn := map[string]bool{}
	for _, found := range number.FindAllStringSubmatch(picture, -1) {
		drawn[found[1]] = true
	}
	red := 0
	for i, l := range story.Lines {
		if !l.Wrong {
			continue
		}
		red++
		if !drawn[fmt.Sprint(i+1)] {
			t.Errorf("%s: step %d, which is wrong, is not in the picture", name, i+1)
		}
	}
	places := map[string]bool{}
	for _, found := range circle.FindAllStringSubmatch(picture, -1) {
		if found[3] == "#c62828" {
			red--
		}
		if place := found[1] + " " + found[2]; places[place] {
			t.Errorf("%s: two marks at %s", name, place)
		} else {
			places[place] = true
		}
	}
	if red != 0 {
		t.Errorf("%s: %d more steps are wrong than are red", name, red)
	}
	if len(drawn) != len(closeBy(story)) {
		t.Errorf("%s: %d of %d near steps are drawn", name, len(drawn), len(closeBy(story)))
	}
}

// TestMoment_IsZoomed: what is far away must not make the picture too wide to be read,
// and a story of one moment still has some width.
func TestMoment_IsZoomed(t *testing.T) {
	s := &stage{end: time.Minute}
	story := explain.Story{Lines: []explain.Line{
		{At: time.Second, Process: "a", Text: "long ago."}, {At: 30 * time.Second, Process: "a", Text: "just before."},
		{At: 30200 * time.Millisecond, Process: "b", Text: "wrong.", Wrong: true}, {At: 50 * time.Second, Process: "b", Text: "long after."},
	}}
	shown := closeBy(story)
	if len(shown) != 2 || shown[0] != 1 {
		t.Fatalf("shown: %v", shown)
	}
	if from, to := s.window(story, shown); from != 29960*time.Millisecond || to != 30240*time.Millisecond {
		t.Errorf("from %v to %v", from, to)
	}
	if from, to := s.window(story, shown[1:]); to-from != shortestMoment {
		t.Errorf("from %v to %v", from, to)
	}
	if picture := s.moment(explain.Story{}); picture != "" {
		t.Errorf("no story has a picture: %s", picture)
	}
}

// TestPage_HasTheStoryOfAViolation has it on top of the violation, with what replays it.
func TestPage_HasTheStoryOfAViolation(t *testing.T) {
	p := judged(t, "AtomicTransitions-bad")
	v := p.Report.Violations()[0]
	p.Explanations = []Explanation{{Story: explain.Violation(indexed(record.Run{Events: p.Run.Run.Events}), v, named()), Smallest: "Smallest part: <8> of 55 events"}}
	p.Replay = "torture replay results/x"
	section, _, _ := strings.Cut(render(t, p), "<h2>Timeline</h2>")
	at := 0
	for _, want := range []string{
		"the moment of the violation", "The two should have been one write", `class="wrong"`,
		"took the task from worker-1 and in the same write put nothing in its place.", "#34 #35",
		"Smallest part: &lt;8&gt; of 55 events", "<code>torture replay results/x</code>", "<details>",
	} {
		if !strings.Contains(section, want) {
			t.Errorf("the violation lacks %q", want)
		}
		at = max(at, strings.Index(section, want))
	}
	if at != strings.Index(section, "<details>") {
		t.Error("the events come before the story")
	}
}

// named are the stories with the word for an object that torture gives them.
func named() explain.Stories {
	s := story.Stories()
	s.Noun = "task"
	return s
}
