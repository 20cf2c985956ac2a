package integration

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

// rawRecording is what a real server has answered, for where there is none.
type rawRecording struct {
	Version   string
	Sequences []rawRecorded
}

type rawRecorded struct {
	Seed     uint64
	Steps    string // a hash of their texts: other steps have other outcomes
	Outcomes []string
}

// rawRecord is the environment variable that has a real server recorded.
const rawRecord = "RINGMASTER_RECORD"

const (
	rawRecordingFile = "testdata/raw-3.9.3.json.gz"
	rawRecordedMost  = 150 // sequences
)

func hashOf(steps []rawStep) string {
	sum := sha256.New()
	for _, step := range steps {
		sum.Write([]byte(step.text + "\n"))
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

func (r *rawRecording) add(seed uint64, steps []rawStep, said []string) {
	if len(r.Sequences) < rawRecordedMost || seed == 0 {
		r.Sequences = append(r.Sequences, rawRecorded{seed, hashOf(steps), said})
	}
}

func (r *rawRecording) write(t *testing.T) {
	t.Helper()
	f, err := os.Create(rawRecordingFile)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	for _, step := range []func() error{func() error { return json.NewEncoder(z).Encode(r) }, z.Close, f.Close} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestServe_AgreesWithARecordedZooKeeper needs no Docker engine: it compares with what a real
// server has answered to the first sequences of TestServe_AgreesWithZooKeeper. After a change
// of what is drawn, record again:
//
//	RINGMASTER_RECORD=1 go test ./internal/integration -run TestServe_AgreesWithZooKeeper
func TestServe_AgreesWithARecordedZooKeeper(t *testing.T) {
	f, err := os.Open(rawRecordingFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var r rawRecording
	if err := json.NewDecoder(z).Decode(&r); err != nil {
		t.Fatal(err)
	}
	if want := rawRecordedMost + 1; len(r.Sequences) != want {
		t.Errorf("%d sequences are recorded, want %d", len(r.Sequences), want)
	}
	c := &rawComparison{t: t}
	for _, s := range r.Sequences {
		steps := drawSteps(s.Seed, false)
		if hashOf(steps) != s.Steps {
			t.Fatalf("seed %d: these are not the steps that were recorded: record again, see the comment of this test", s.Seed)
		}
		if difference := firstDifference(steps, c.playOnOurs("/play-1", steps), s.Outcomes); difference != "" {
			t.Errorf("seed %d: serve differs from ZooKeeper %s:\n%s", s.Seed, r.Version, difference)
		}
	}
}
