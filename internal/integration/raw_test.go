package integration

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ddmin"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// TestServe_AgreesWithZooKeeper sends the same random frames to model/zk/serve and to a real
// server, and compares every answer, byte by byte but for times, and every event with its
// place between the answers. The server is of the version that ZOOKEEPER_VERSION names;
// RINGMASTER_NIGHTLY=1 takes all versions, and many more requests.
func TestServe_AgreesWithZooKeeper(t *testing.T) {
	ensembletest.NeedDocker(t)
	nightly := os.Getenv("RINGMASTER_NIGHTLY") == "1"
	volume := 5_000
	switch {
	case os.Getenv(rawRecord) == "1":
		volume = rawRecordedMost * rawSteps
	case nightly:
		volume = 100_000
	}
	onVersions(t, nightly, func(t *testing.T) { agreeRaw(t, volume) })
}

// rawServer are the settings of the real server. It has TTLs, and does not look for empty
// containers, because that would take zxids at moments of its own.
var rawServer = ensemble.Profile{
	Java: []string{"-Dzookeeper.extendedTypesEnabled=true", "-Dznode.container.checkIntervalMs=86400000", "-Dzookeeper.forceSync=no"},
}

// agreeRaw compares sequences until they have that many requests.
func agreeRaw(t *testing.T, volume int) {
	e := ensembletest.StartWith(t, ensemble.Config{Servers: 1, TickTime: longTick, Profile: rawServer})
	status, err := e.Servers[0].Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := &rawComparison{t: t, real: e.Servers[0].Address, old: strings.HasPrefix(status.Version, "3.8")}
	t.Run("words", func(t *testing.T) {
		ours := c.serve()
		defer ours.Close()
		sameWords(t, ours.Addr().String(), c.real)
	})
	start := time.Now()
	const mostFailures = 3
	requests, failures, seed := 0, 0, uint64(1)
	recording := rawRecording{Version: status.Version}
	play := func(seed uint64) {
		steps := drawSteps(seed, c.old)
		requests += len(steps)
		difference := c.compare(steps)
		recording.add(seed, steps, c.said)
		if difference != "" {
			failures++
			few, _ := ddmin.List(t.Context(), steps, func(part []rawStep) bool { return c.compare(part) != "" })
			t.Errorf("seed %d: the two servers differ:\n%s", seed, c.compare(few))
		}
	}
	for ; requests < volume && failures < mostFailures && t.Context().Err() == nil; seed++ {
		play(seed)
	}
	play(0) // at the end, because it leaves znodes that others would see
	if os.Getenv(rawRecord) == "1" && !t.Failed() {
		recording.write(t)
	}
	t.Logf("ZooKeeper %s: %d requests in %d sequences, in %v", status.Version, requests, seed, time.Since(start).Round(time.Second))
}

// rawComparison plays sequences on both servers.
type rawComparison struct {
	t    *testing.T
	real string
	old  bool     // the real server is of version 3.8
	play int      // how many sequences were played
	said []string // the outcomes on the real server, of the last sequence
}

// serving is one of our servers.
type serving struct {
	*serve.Ensemble
	net.Listener
}

func (s serving) Close() { s.Ensemble.Close() }

// serve starts a fresh server of ours.
func (c *rawComparison) serve() serving {
	c.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	ours := serve.New(serve.Options{TickTime: longTick})
	go func() { _ = ours.Members()[0].Serve(l) }() // until Close
	return serving{ours, l}
}

// compare plays a sequence on both, and describes their first difference; "" is none.
func (c *rawComparison) compare(steps []rawStep) string {
	c.t.Helper()
	c.play++
	root := fmt.Sprintf("/play-%d", c.play)
	got := c.playOnOurs(root, steps)
	c.said = c.playOn(c.real, root, steps)
	return firstDifference(steps, got, c.said)
}

func (c *rawComparison) playOnOurs(root string, steps []rawStep) []string {
	c.t.Helper()
	ours := c.serve()
	defer ours.Close()
	return c.playOn(ours.Addr().String(), root, steps)
}

// firstDifference describes the first step whose outcomes differ; "" is none.
func firstDifference(steps []rawStep, got, want []string) string {
	for i := range want {
		if got[i] == want[i] {
			continue
		}
		var text strings.Builder
		for _, step := range steps[:min(i+1, len(steps))] {
			fmt.Fprintf(&text, "  client %d: %s\n", step.client, step.text)
		}
		fmt.Fprintf(&text, "ZooKeeper:\n%sserve:\n%s", want[i], got[i])
		return text.String()
	}
	return ""
}

// playOn plays a sequence on one server: an outcome for each step, and for the end.
func (c *rawComparison) playOn(address, root string, steps []rawStep) []string {
	c.t.Helper()
	s, err := newRawSide(address, root, c.old)
	if err != nil {
		c.t.Fatal(err)
	}
	defer s.close()
	return s.play(steps)
}

// play plays a sequence: an outcome for each step, and for the end.
func (s *rawSide) play(steps []rawStep) []string {
	var outcomes []string
	for _, step := range steps {
		s.lines = nil
		step.do(s, s.clients[step.client])
		outcomes = append(outcomes, s.outcome())
	}
	s.lines = nil
	s.fence()
	return append(outcomes, s.outcome())
}
