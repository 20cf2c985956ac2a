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
	LedgerLost:      "{process} wrote entry {n} of epoch {epoch}, which no later entry followed, and the final tree has entry {final_n} of epoch {final_epoch}.",
	EffectMisjudged: "An act of {process} in epoch {epoch} was {was} at {at|time}; the latest accepted one was of epoch {later}.",
	NoLeader:        "No master led when everything was healed: {problem}.",
}
