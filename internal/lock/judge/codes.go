package judge

import "github.com/ringmaster-zk/ringmaster/checker/wording"

// The codes of violations. They are stored, so their meanings never change.
const (
	HeldByTwo       wording.Code = "lock held by two"
	BelievedByTwo   wording.Code = "lock believed to be held by two"
	Overtaken       wording.Code = "contender overtaken"
	TokenBack       wording.Code = "token did not grow"
	TokenOfNone     wording.Code = "told a token that no grant has"
	TokenTwice      wording.Code = "told one token twice"
	WroteLate       wording.Code = "write after the end of its lock"
	WroteEarly      wording.Code = "write before its lock was granted"
	WroteForNone    wording.Code = "write in the name of a token that no grant has"
	WroteUnchecked  wording.Code = "write of a holder without the check of its contender"
	EffectMisjudged wording.Code = "effect of a token misjudged"
	LeftInTree      wording.Code = "contender left in the final tree"
	LeftInSession   wording.Code = "contender left until the end of its session"
	NeverFree       wording.Code = "lock not free after healing"
	NeverTaken      wording.Code = "lock not taken after healing"
	DelaySkipped    wording.Code = "lock granted before the delay was over"
	SomeOfAll       wording.Code = "some of several locks granted"
	KeptOfNone      wording.Code = "contender kept after a refusal of several locks"
	Deadlock        wording.Code = "two calls for several locks waited for each other"
	NeverHeard      wording.Code = "holder never heard that it was asked to release"
	HeardTwice      wording.Code = "holder heard twice that it was asked to release"
	HeardOfNothing  wording.Code = "holder heard of a request that no participant made"
)

// The codes of doubts.
const (
	NoOrder wording.Code = "order of the commits not known"
)

// texts are the sentences of the codes.
var texts = wording.Texts{
	HeldByTwo:       "ZooKeeper granted {object} to {process} at {at|time} with token {token}[ (zxid {zxid|hex})], while {other} held it with token {earlier}.",
	BelievedByTwo:   "{old} (token {earlier}) and {process} (token {token}) both believed to hold {object} for {long|time} from {from|time} on. No fault had stopped {old} or ended its session.",
	Overtaken:       "{process} got {object} at {at|time} as number {number} of the line[ (zxid {zxid|hex})], although number {first}, of {other}, was in front of it.",
	TokenBack:       "{process} got {object} at {at|time} with token {token}[ (zxid {zxid|hex})], after {other} had got it with token {earlier}.",
	TokenOfNone:     "{process} was told at {at|time} that it holds {object} with token {token}, but ZooKeeper granted it none such.",
	TokenTwice:      "{process} was told at {at|time} that it holds {object} with token {token}, but {other} had been told the same token.",
	WroteLate:       "{process} wrote in the name of token {token} of {object} at {at|time}, and ZooKeeper accepted the write[ (zxid {zxid|hex})], although that holder's contender was gone[ since zxid {since|hex}].",
	WroteEarly:      "{process} wrote in the name of token {token} of {object} at {at|time}, before ZooKeeper granted it that token[ (zxid {zxid|hex})].",
	WroteForNone:    "{process} wrote in the name of token {token} of {object} at {at|time}, but ZooKeeper granted no such token.",
	WroteUnchecked:  "{process} wrote in the name of token {token} of {object} at {at|time}, without a check that its contender is there.",
	EffectMisjudged: "The system outside {was} an act of {process} with token {token} of {object} at {at|time}, and the greatest token that it had accepted was {greatest}.",
	LeftInTree:      "The final tree has {path}, below {object}, and no participant that could own it is left.",
	LeftInSession:   "{process} had given back all at {at|time}, but {path}, which it had made in session {session}, was there until that session ended.",
	NeverFree:       "After all faults were healed, the lockers did not get all locks: {problem}.",
	NeverTaken:      "{object} was not taken after all faults were healed.",
	DelaySkipped:    "{process} got {object} at {at|time} with token {token}[ (zxid {zxid|hex})], at most {waited|time} after {other} (token {earlier}) had ended without giving it back. That holder had asked for a delay of {delay|time}.",
	SomeOfAll:       "{process} asked for several locks together, and was told at {at|time} that it has {got}, but it did not get {object}.",
	KeptOfNone:      "{process} asked for several locks together, and was told at {at|time} that it gets none of them. Its contender {path} stayed in the line of {object}, although later writes of its session were answered.",
	Deadlock:        "{process} joined the line of {object} at {at|time}[ (zxid {zxid|hex})], behind {other}, and {other} waited behind {process} in the line of {lock}. Both asked for several locks together.",
	NeverHeard:      "The contender of {process}, which held {object} with token {token}, was asked at {at|time} to release it. {process} held the lock on and never heard of that.",
	HeardTwice:      "{process}, which held {object} with token {token}, was told at {at|time} to release it, and had been told so before.",
	HeardOfNothing:  "{process}, which held {object} with token {token}, was told at {at|time} to release it, but no participant had asked for that.",
	NoOrder:         "The order in which writes took effect is not known, and this property is about that order.",
}
