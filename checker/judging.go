package checker

import (
	"github.com/anishathalye/porcupine"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Judging is how the runs of one recipe are judged.
type Judging struct {
	// Objects says what the znodes of the recipe have to do with its objects.
	Objects record.Objects
	// MayHold is how many sessions a participant may hold at a time, by its name. nil: one.
	MayHold func(process string) int
	// Judge reads a run in the terms of the recipe. It decides nothing yet: that is for the
	// judges and searches that it returns. If it fails, the run is unknown (RecipeJudged).
	// If no manifest says that the record is whole, that counts as a defect of the record.
	Judge func(*Case) Judgement
}

// Judgement is how one run is judged.
type Judgement struct {
	// Judges are those of the recipe. A judge without a function is one of those that judge
	// every run, at its place in the verdict; those that are not named come after the others.
	Judges []Judge
	// Searches come after all judges. The first one that fails is drawn.
	Searches []Search
	// Vacuous says why the run proves nothing although everything holds: "it never happened
	// that ...". That no fault was effective is said anyway.
	Vacuous []string
	Counts  map[string]int // numbers for the verdict, beside those of faults and unknown outcomes
	// Texts are the sentences of the codes that its judges give to their findings. A code
	// of package wording has its sentence there, and no other.
	Texts wording.Texts

	alone bool // the judges that judge every run are left out
}

// Judge is the judge of one property. It changes nothing that another judge reads,
// because they work at the same time.
type Judge struct {
	Name  string
	Judge func() Property
}

// Search is a property that is judged by a search: is there an order of the operations
// that a sequential specification allows?
type Search struct {
	Property   string
	Of         string // what has a partition of its own: "election"
	Model      porcupine.Model
	Partitions []*Partition
}
