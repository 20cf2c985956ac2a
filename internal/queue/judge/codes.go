package judge

import "github.com/ringmaster-zk/ringmaster/checker/wording"

// The codes of violations. They are stored, so their meanings never change.
const (
	NeverThere      wording.Code = "item told to be in the queue never was there"
	Vanished        wording.Code = "item deleted and not consumed"
	NotInTree       wording.Code = "item not in the final tree"
	PutDenied       wording.Code = "item there although its put was told to have failed"
	Unknown         wording.Code = "item that no producer has put"
	Elsewhere       wording.Code = "item not where it was to be"
	Altered         wording.Code = "payload of an item changed"
	TakenUnknown    wording.Code = "took an item that no producer has put"
	PutTwice        wording.Code = "item put twice"
	ConsumedTwice   wording.Code = "item consumed twice"
	AckUntrue       wording.Code = "told of a consumption that was not recorded"
	AckDenied       wording.Code = "told of no consumption although it was recorded"
	AckApart        wording.Code = "consumption apart from what was to be written with it"
	HeldByTwo       wording.Code = "item believed to be held by two"
	TokenBack       wording.Code = "token of an item did not grow"
	TokenOfNone     wording.Code = "told a token that no take has"
	EndedByOther    wording.Code = "item taken away from its consumer"
	Overtaken       wording.Code = "item overtaken"
	BeforeDue       wording.Code = "item in line before it is due"
	NotEmpty        wording.Code = "told that a queue is empty"
	DeadEarly       wording.Code = "dead letter after another number of takes"
	TakenTooOften   wording.Code = "item taken too often"
	LeftInQueue     wording.Code = "item left after healing"
	NeverDrained    wording.Code = "queue not drained after healing"
	LeftInTree      wording.Code = "claim left in the final tree"
	LeftInSession   wording.Code = "claim left until the end of its session"
	WroteLate       wording.Code = "write after the end of its take"
	WroteForNone    wording.Code = "write in the name of a token that no take has"
	WroteUnchecked  wording.Code = "write of a consumer without the check of its claim"
	EffectMisjudged wording.Code = "effect of a token misjudged"
)

// The codes of doubts.
const (
	NoOrder wording.Code = "order of the commits not known"
)

var noOrder = wording.Finding{Code: NoOrder}

// texts are the sentences of the codes.
var texts = wording.Texts{
	NeverThere:      "{process} was told at {at|time} that item {id} is in {queue}, but no write put it there.",
	Vanished:        "Item {id} was deleted from {object} at {at|time} by {process}[ (zxid {zxid|hex})]. No consumer had it recorded as consumed, and it was not moved.",
	NotInTree:       "Item {id} was in {object}, and nothing took it away, but the final tree does not have it.",
	PutDenied:       "{process} was told at {at|time} that item {id} will never be in {queue}, but it was put[ as {path}].",
	Unknown:         "{object} has the item {id}, which no producer has put.",
	Elsewhere:       "Item {id} was put as {object}, but {process} put it into {queue} with priority {priority}.",
	Altered:         "The payload of item {id} in {object} was changed at {at|time}[ (zxid {zxid|hex})].",
	TakenUnknown:    "{process} was told at {at|time} that it has {object}, with item {id}, which no producer has put.",
	PutTwice:        "Item {id} was put as {path}, and at {at|time} as {object}[ (zxid {zxid|hex})].",
	ConsumedTwice:   "Item {id} was recorded as consumed twice: for {other}, and at {at|time} for {process}[ (zxid {zxid|hex})].",
	AckUntrue:       "{process} was told at {at|time} that item {id} is recorded as consumed, but no write did that.",
	AckDenied:       "{process} was told at {at|time} that item {id} is not recorded as consumed, but it was[ (zxid {zxid|hex})].",
	AckApart:        "Item {id} was consumed at {at|time}[ (zxid {zxid|hex})], and what its consumer writes with that was not written by the same write.",
	HeldByTwo:       "{old} (token {earlier}) and {process} (token {token}) both believed to have item {id} for {long|time} from {from|time} on. No fault had stopped {old} or ended its session.",
	TokenBack:       "{process} took item {id} at {at|time} with token {token}[ (zxid {zxid|hex})], which is not greater than that of the take before.",
	TokenOfNone:     "{process} was told at {at|time} that it has item {id} with token {token}, but it has no such take.",
	EndedByOther:    "Item {id} left {object} at {at|time} by {process}[ (zxid {zxid|hex})], while {other} had it with token {token}.",
	Overtaken:       "{process} took {object} at {at|time}[ (zxid {zxid|hex})]. {path} is in front of it, and was free during the whole of the take.",
	BeforeDue:       "Item {id} came into line as {object} at {at|time}, and it was put at {put|time} with a delay of {delay|time}.",
	NotEmpty:        "{process} was told at {at|time} that {queue} is empty, but {object} was free during the whole of the take.",
	DeadEarly:       "Item {id} became the dead letter {object} at {at|time}[ (zxid {zxid|hex})] after {takes} takes; {queue} demands {most}.",
	TakenTooOften:   "{process} took item {id} at {at|time}[ (zxid {zxid|hex})] for the {takes}th time, and {queue} allows {most}.",
	LeftInQueue:     "{object} is in the final tree, with item {id}, although all faults were healed.",
	NeverDrained:    "After all faults were healed, the consumers did not empty all queues: {problem}.",
	LeftInTree:      "The final tree has {path}, and no participant that could own it is left.",
	LeftInSession:   "{process} had given back all at {at|time}, but its claim {path} was there until its session {session} ended.",
	WroteLate:       "{process} wrote about item {id} in the name of token {token} at {at|time}, and ZooKeeper accepted the write[ (zxid {zxid|hex})], although the claim was not there.",
	WroteForNone:    "{process} wrote about item {id} in the name of token {token} at {at|time}, but no take has that token.",
	WroteUnchecked:  "{process} wrote about item {id} in the name of token {token} at {at|time}, without a check of its claim.",
	EffectMisjudged: "The system outside {was} an act of {process} with token {token} of {object} at {at|time}, and the greatest token that it had accepted was {greatest}.",
	NoOrder:         "The order in which writes took effect is not known, and this property is about that order.",
}
