package judge

import "github.com/ringmaster-zk/ringmaster/checker/wording"

// The codes of violations. They are stored, so their meanings never change.
const (
	TwoActive      wording.Code = "two processes active"
	LateAct        wording.Code = "act of a process after a later one became active"
	NotFenced      wording.Code = "active before the one before was fenced or left"
	CrumbUnfenced  wording.Code = "active before the breadcrumb was heeded"
	NoCrumb        wording.Code = "active without a breadcrumb"
	FenceAnswered  wording.Code = "fencing answered before the life was over"
	FencedAnother  wording.Code = "fenced another process than the breadcrumb names"
	FencedItself   wording.Code = "own breadcrumb fenced"
	CutOther       wording.Code = "power cut of another life than the one to be fenced"
	CrumbOfOther   wording.Code = "breadcrumb of another process written"
	CrumbRemoved   wording.Code = "breadcrumb removed by an unclean end"
	CrumbLeft      wording.Code = "breadcrumb left by a clean end"
	OtherRemoved   wording.Code = "breadcrumb of another process removed"
	ElsewhereGiven wording.Code = "failover went to another process than its target"
	TargetPassed   wording.Code = "target of a failover overtaken"
	RefusedDone    wording.Code = "failover refused and done"
	HandedUnclean  wording.Code = "failover without a clean end"
	StayedSick     wording.Code = "unhealthy process stayed active"
	BecameSick     wording.Code = "unhealthy process became active"
	EpochOfNone    wording.Code = "active with an epoch that it was not elected for"
	OtherCause     wording.Code = "active told a cause that the recipe does not name"
	NeverActive    wording.Code = "no process active after healing"
)

// The codes of doubts.
const (
	NoOrder wording.Code = "order of the commits not known"
)

// texts are the sentences of the codes.
var texts = wording.Texts{
	TwoActive:      "{process} became active with epoch {epoch} at {at|time}, while {old} was active with epoch {earlier}[, until {until|time}].",
	LateAct:        "{process} acted on the system outside at {at|time}, although {other} had become active with epoch {epoch} at {since|time}.",
	NotFenced:      "{process} became active with epoch {epoch} at {at|time}. {old}, which had been active with epoch {earlier}, had not left in good order and was not fenced before.",
	CrumbUnfenced:  "{process} became active with epoch {epoch} at {at|time}. The breadcrumb named {old|quoted}, and the process had not fenced it in this term.",
	NoCrumb:        "{process} became active with epoch {epoch} at {at|time}, and had not left its breadcrumb before.",
	FenceAnswered:  "{process} had fenced {old} at {at|time}, as its hook said, but the power switch had not confirmed by then that this life was over.",
	FencedAnother:  "{process} fenced {old|quoted} at {at|time}, but the breadcrumb named {crumb|quoted}.",
	FencedItself:   "{process} was told to fence {old|quoted} at {at|time}, which is its own breadcrumb of this life, although it had become standby.",
	CutOther:       "{process} had the power of {old} cut at {at|time}, which it was not told to fence.",
	CrumbOfOther:   "{process} wrote the breadcrumb {crumb|quoted} at {at|time}[ (zxid {zxid|hex})], which does not name it, or without having the lock.",
	CrumbRemoved:   "{process} removed its breadcrumb at {at|time}[ (zxid {zxid|hex})], although {why}.",
	CrumbLeft:      "{process} gave the lock up at {at|time}[ (zxid {zxid|hex})] after it had become standby in good order, and left its breadcrumb.",
	OtherRemoved:   "{process} removed the breadcrumb {crumb|quoted} at {at|time}[ (zxid {zxid|hex})], which is that of another process.",
	ElsewhereGiven: "{process} asked for a failover to {to}, and was told at {at|time} that it is done, with {name} active.",
	TargetPassed:   "{process} took the lock with epoch {epoch} at {at|time}[ (zxid {zxid|hex})], {waited|time} after a failover to {to} was accepted. The target was there, and all others were to hold back for {grace|time}.",
	RefusedDone:    "{process} asked for a failover at {from|time}, and was told at {at|time} that it is refused ({refusal}), but {old} accepted the request.",
	HandedUnclean:  "{process} accepted a failover at {at|time}[ (zxid {zxid|hex})], and did not give up the lock and its breadcrumb in the same write.",
	StayedSick:     "{process} said at {at|time} that it is not healthy, and its term with epoch {epoch} went on for {long|time}.",
	BecameSick:     "{process} became active with epoch {epoch} at {at|time}, and had been unhealthy for {long|time}.",
	EpochOfNone:    "{process} became active at {at|time} with epoch {epoch}, but ZooKeeper gave it no lock with that epoch.",
	OtherCause:     "{process} heard at {at|time} that its term with epoch {epoch} is over, and the cause is none that the recipe names: {cause}.",
	NeverActive:    "After all faults were healed, no process was active that handed over to another one: {problem}.",
	NoOrder:        "The order in which writes took effect is not known, and this property is about that order.",
}
