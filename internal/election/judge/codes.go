package judge

import "github.com/ringmaster-zk/ringmaster/checker/wording"

// The codes of violations. They are stored, so their meanings never change.
const (
	EffectMisjudged wording.Code = "effect of an epoch misjudged"
	NoLeader        wording.Code = "no master led after healing"
)

// texts has a sentence for each code.
var texts = wording.Texts{
	EffectMisjudged: "The system outside {was} an act of {process} in epoch {epoch} at {at|time}, and the latest act that it had accepted was of epoch {later}.",
	NoLeader:        "No master led after all faults were healed: {problem}.",
}
