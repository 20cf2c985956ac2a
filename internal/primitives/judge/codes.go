package judge

import "github.com/ringmaster-zk/ringmaster/checker/wording"

// The codes of violations. They are stored, so their meanings never change.
const (
	AppliedTwice    wording.Code = "call applied more than once"
	AppliedNot      wording.Code = "call done and not applied"
	AppliedAlthough wording.Code = "call not applied as told and applied"
	NumberTwice     wording.Code = "number handed out twice"
	SumWrong        wording.Code = "counter is not the sum of what was added"
	MoneyWrong      wording.Code = "accounts have another sum"
	WaitEarly       wording.Code = "wait over while the barrier was set"
	RoundShort      wording.Code = "round began without a participant"
	RoundBeside     wording.Code = "round began beside another one"
	RoundOfNone     wording.Code = "told a round that never began"
	LeftAlone       wording.Code = "participant left before another one"
	HeldByTwo       wording.Code = "lease held by two"
	EntryUnfenced   wording.Code = "entry in the ledger without the lease"
	LeftInTree      wording.Code = "znode left in the final tree"
	NeverDone       wording.Code = "call not done after healing"
	NeverDrained    wording.Code = "users not done after healing"
)

// NoOrder is the code of a doubt.
const NoOrder wording.Code = "order of the commits not known"

// texts are the sentences of the codes.
var texts = wording.Texts{
	AppliedTwice:    "{process} called {verb} on {object} at {at|time}, and {times} writes of this call were applied.",
	AppliedNot:      "{process} was told at {at|time} that {verb} on {object} is done, but no write of this call was applied.",
	AppliedAlthough: "{process} was told at {at|time} that {verb} on {object} was not applied and never will be, but it was applied[ (zxid {zxid|hex})].",
	NumberTwice:     "{process} was told at {at|time} that {number} of {object} is its own, but {other} had been told the same.",
	SumWrong:        "{object} is {found} in the final tree, and what was added makes {added}.",
	MoneyWrong:      "{process} saw {found} units in all accounts of {object} at {at|time}, and there are {money}.",
	WaitEarly:       "{process} was told at {at|time} that {object} is not set, but it was set from {from|time} on, and no user lifted it before.",
	RoundShort:      "Round {round} of {object} began (zxid {zxid|hex}), although {missing} was not there.",
	RoundBeside:     "Round {round} of {object} began (zxid {zxid|hex}), although {missing}, of the round before, was still there.",
	RoundOfNone:     "{process} was told at {at|time} that it is in round {round} of {object}, but no such round began.",
	LeftAlone:       "{process} left round {round} of {object} at {at|time}, although {other} was in and had not asked to leave.",
	HeldByTwo:       "{old} (token {earlier}) and {process} (token {token}) both believed to hold {object} for {long|time} from {from|time} on. No fault had stopped {old}.",
	EntryUnfenced:   "{process} wrote to the ledger at {at|time} in the name of token {token} of {object}[ (zxid {zxid|hex})], although it did not hold the lease.",
	LeftInTree:      "The final tree has {path}, and no participant that could own it is left.",
	NeverDone:       "No call of {object} was done after all faults were healed.",
	NeverDrained:    "After all faults were healed, the users did not finish: {problem}.",
	NoOrder:         "The order in which writes took effect is not known, and this property is about that order.",
}
