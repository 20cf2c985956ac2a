package judge

import "github.com/ringmaster-zk/ringmaster/checker/wording"

// The codes of violations. They are stored, so their meanings never change.
const (
	LedgerBack      wording.Code = "ledger went back"
	LedgerLost      wording.Code = "ledger lost its last entry"
	EffectMisjudged wording.Code = "effect of an epoch misjudged"
	NoLeader        wording.Code = "no master led after healing"
)

// texts has a sentence for each code.
var texts = wording.Texts{
	LedgerBack:      "{process} wrote entry {n} of epoch {epoch} to the ledger at {at|time}, after {other} had written entry {later_n} of epoch {later_epoch}.",
	LedgerLost:      "{process} wrote entry {n} of epoch {epoch} as the last entry of the ledger, but the final tree has entry {final_n} of epoch {final_epoch}.",
	EffectMisjudged: "The system outside {was} an act of {process} in epoch {epoch} at {at|time}, and the latest act that it had accepted was of epoch {later}.",
	NoLeader:        "No master led after all faults were healed: {problem}.",
}
