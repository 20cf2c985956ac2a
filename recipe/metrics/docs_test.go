package metrics_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringmaster-zk/ringmaster/recipe/metrics"
)

// described is a registry that keeps the labels of each metric.
type described struct {
	prometheus.Registerer // nil: New only registers
	labels                map[string][]string
}

var description = regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{(.*?)\}`)

func (d described) Register(c prometheus.Collector) error {
	all := make(chan *prometheus.Desc, 100)
	c.Describe(all)
	close(all)
	for one := range all {
		m := description.FindStringSubmatch(one.String())
		d.labels[m[1]] = strings.Split(m[2], ",")
	}
	return nil
}

// Expressions of the alerts: a metric with its matchers, and the labels that are kept.
var (
	used     = regexp.MustCompile(`\b(ringmaster_\w+)(?:\{([^}]*)\})?`)
	kept     = regexp.MustCompile("by \\((\\w+(?:, \\w+)*)\\)[^`]*?(ringmaster_\\w+)")
	absent   = regexp.MustCompile(`absent\(ringmaster_leading\)`)
	suffixes = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// unknownIn lists, apart from the label job, which Prometheus itself adds, what a page says of metrics that are not there, or do not have such a label.
func unknownIn(page string, labels map[string][]string) (wrong []string, seen map[string]bool) {
	seen = map[string]bool{}
	has := func(name, label string) {
		bare := name
		if _, there := labels[bare]; !there {
			bare = suffixes.ReplaceAllString(name, "")
		}
		seen[bare] = true
		all, there := labels[bare]
		if bucket := label == "le" && strings.HasSuffix(name, "_bucket"); !there || label != "" && !bucket && label != "job" && !slices.Contains(all, label) {
			wrong = append(wrong, name+" "+label)
		}
	}
	for _, m := range used.FindAllStringSubmatch(page, -1) {
		has(m[1], "")
		if m[2] != "" {
			for matcher := range strings.SplitSeq(m[2], ",") {
				has(m[1], strings.TrimSpace(regexp.MustCompile(`[=!].*`).ReplaceAllString(matcher, "")))
			}
		}
	}
	for _, m := range kept.FindAllStringSubmatch(page, -1) {
		for label := range strings.SplitSeq(m[1], ", ") {
			has(m[2], label)
		}
	}
	return wrong, seen
}

// TestDocs_OperatorsNamesMetricsThatExist: the page for operators has every metric, and no
// metric or label that is not there. It alerts when no process serves metrics at all.
func TestDocs_OperatorsNamesMetricsThatExist(t *testing.T) {
	text, err := os.ReadFile("../../docs/operators.md")
	if err != nil {
		t.Fatal(err)
	}
	registry := described{labels: map[string][]string{}}
	if _, err := metrics.New(registry); err != nil {
		t.Fatal(err)
	}
	wrong, seen := unknownIn(string(text), registry.labels)
	for _, one := range wrong {
		t.Errorf("docs/operators.md has %s, which no metric has", one)
	}
	for _, name := range slices.Sorted(maps.Keys(registry.labels)) {
		if !seen[name] {
			t.Errorf("docs/operators.md does not have %s", name)
		}
	}
	if !absent.Match(text) {
		t.Error("docs/operators.md has no alert for the time when no master runs")
	}
}

// TestDocs_MetricCheckRejects plants names and labels that are not there.
func TestDocs_MetricCheckRejects(t *testing.T) {
	labels := map[string][]string{"ringmaster_a": {"kind"}, "ringmaster_b_seconds": {""}}
	for page, want := range map[string]bool{
		"`ringmaster_a{kind=\"x\"}`": true, "`sum by (le) (rate(ringmaster_b_seconds_bucket[5m]))`": true, "`max by (kind) (ringmaster_a)`": true,
		"`ringmaster_c`": false, "`ringmaster_a{state=\"x\"}`": false, "`max by (role) (ringmaster_a)`": false, "`sum by (le) (ringmaster_a)`": false,
	} {
		if wrong, _ := unknownIn(page, labels); (len(wrong) == 0) != want {
			t.Errorf("%s: %q, want it to be right: %v", page, wrong, want)
		}
	}
}
