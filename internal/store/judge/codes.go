package judge

import "github.com/ringmaster-zk/ringmaster/checker/wording"

// The codes of violations. They are stored, so their meanings never change.
const (
	AppliedTwice        wording.Code = "changes applied more than once"
	AppliedNot          wording.Code = "changes confirmed and not applied"
	AppliedAlthough     wording.Code = "changes denied and applied"
	AppliedPartly       wording.Code = "changes of one call not applied together"
	LostInLoad          wording.Code = "acknowledged application not loaded"
	LostInTree          wording.Code = "acknowledged application not in the final tree"
	LateAcknowledgement wording.Code = "acknowledged after a later manager became active"
	WroteLate           wording.Code = "store written after a later one was opened"
	WroteUnchecked      wording.Code = "store written without a check of its epoch"
	NeverWritten        wording.Code = "value read that was never written"
	PartsMissing        wording.Code = "record points to parts that are not there"
	PartsGone           wording.Code = "parts of a record deleted"
	LoadedOther         wording.Code = "record loaded that is another one"
	LoadedWithout       wording.Code = "record missing from a load"
	EpochNotGreater     wording.Code = "store opened with an epoch that is not greater"
	EpochOfNone         wording.Code = "store opened with an epoch that was not begun"
	EpochBack           wording.Code = "epoch is not the next one"
	PartsLeft           wording.Code = "parts without a record not collected"
	NeverServed         wording.Code = "no manager serves after healing"
)

// The codes of doubts.
const (
	NoOrder wording.Code = "order of the commits of a store not known"
)

func noOrder() wording.Finding { return wording.Finding{Code: NoOrder} }

// texts are the sentences of the codes.
var texts = wording.Texts{
	AppliedTwice:        "{process} changed {key} by one call, which ended at {at|time}, and its changes were applied {times} times.",
	AppliedNot:          "{process} was told at {at|time} that its changes of {key} are applied, but no write did that.",
	AppliedAlthough:     "{process} was told at {at|time} that its changes of {key} are not applied, but they were[ (zxid {zxid|hex})].",
	AppliedPartly:       "{process} made {count} changes by one call, which ended at {at|time}, the first of {key}. They were not applied by one write[ (zxid {zxid|hex})].",
	LostInLoad:          "{key} was acknowledged by {by} at {since|time}, and not removed since. {process} loaded all records at {at|time}, and it was not among them.",
	LostInTree:          "{key} was acknowledged by {by} at {since|time}, and not removed since. It is not in the final tree.",
	LateAcknowledgement: "{process} acknowledged {key} at {at|time}, although {other} had become active at {since|time}.",
	WroteLate:           "{process} wrote {path}[ (zxid {zxid|hex})], although a later store had been opened, with epoch {epoch}.",
	WroteUnchecked:      "{process} wrote {path}[ (zxid {zxid|hex})] and did not demand that the epoch of the store is still its own. It was {epoch}.",
	NeverWritten:        "{process} read {key} at {at|time}, and its value ({value}) is none that was written to it.",
	PartsMissing:        "The data of {key} points to parts that are not all there[ (zxid {zxid|hex})].",
	PartsGone:           "Parts of {key} were deleted while the record pointed to them[ (zxid {zxid|hex})].",
	LoadedOther:         "{process} loaded all records at {at|time} with epoch {epoch}, and {key} is not as it was when that epoch began[ (zxid {zxid|hex})].",
	LoadedWithout:       "{process} loaded all records at {at|time} with epoch {epoch}, without {key}, which was there when that epoch began[ (zxid {zxid|hex})].",
	EpochNotGreater:     "{process} opened the store at {at|time} with epoch {epoch}, but {other} had opened it before with epoch {earlier}.",
	EpochOfNone:         "{process} opened the store at {at|time} with epoch {epoch}, which no write has begun.",
	EpochBack:           "The epoch of the store became {epoch} after {last}[ (zxid {zxid|hex})].",
	PartsLeft:           "{process} had collected the parts that belong to no record at {at|time}, but {group} was left.",
	NeverServed:         "No manager served after all faults were healed: {problem}.",
	NoOrder:             "The order in which writes took effect is not known, and this property is about that order.",
}
