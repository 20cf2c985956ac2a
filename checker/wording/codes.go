package wording

// Code identifies a kind of finding. It is stored, so its meaning never changes.
type Code string

// The codes of violations that judges of every run find.
const (
	SessionUsed     Code = "session used after a fault had ended it"
	SessionOver     Code = "session used after its end"
	SessionReplaced Code = "session replaced silently"
	Crashed         Code = "participant crashed"
	NotMentioned    Code = "write sent that no history mentions"
	NotApplied      Code = "write committed that its history does not say was applied"
	NotSent         Code = "acknowledged write that was never sent"
	CommitOfNone    Code = "commit that no history mentions"
	AckRefused      Code = "refused and committed"
	AckLost         Code = "acknowledged and not committed"
	AckOther        Code = "acknowledged and another write committed"
	AckKind         Code = "acknowledged and recorded as something else"
	AckParts        Code = "acknowledged and committed with other parts"
	LogsConflict    Code = "logs of servers conflict"
	TreesDiffer     Code = "servers serve different trees"
	TreeOnDisk      Code = "server would come back with another tree"
	NotLinearizable Code = "not linearizable"
)

// The codes of doubts: questions that judges of any recipe could not answer.
const (
	NoTree          Code = "final tree not read"
	NotHealed       Code = "ensemble did not come back"
	InAHole         Code = "commit in a hole of the logs"
	NoServerState   Code = "state of servers not recorded"
	ServerUnknown   Code = "state of a server not found out"
	SnapshotLeftOut Code = "snapshot left out"
	NoDigest        Code = "digests of a server not recorded"
	NotSearched     Code = "not searched"
	SearchCut       Code = "search cut short"
	NotExplained    Code = "not explained without what is unknown"
	RecordLoss      Code = "loss in the record"
	OnlyAnExcerpt   Code = "only an excerpt"
	NotRecorded     Code = "could not be recorded"
)

const (
	contradiction = " The answer contradicts the commit. Either ZooKeeper is wrong, or the record of the run is."
	answered      = "{process} got an answer at {at|time}, with zxid {zxid|hex}, to {ops|list}: "
	ofZooKeeper   = " This is a violation by ZooKeeper itself, not by the recipe."
	remedy        = " Restore the folder of the run from the machine that made it, or repeat the run."

	// InOrder is the end of a sentence about a write that came after something else: the
	// zxids of both, if they are known.
	InOrder = "[ (The zxids are {before|hex}, then {zxid|hex}.)]"
)

// everywhere are the sentences of the codes of this package.
var everywhere = Texts{
	SessionUsed:     "{process} wrote in session {session} at {at|time}, and ZooKeeper accepted the write, although the session had ended at {ended|time}.",
	SessionOver:     "{process} wrote in session {session} at {at|time}, and ZooKeeper accepted the write, although the session had ended." + InOrder,
	SessionReplaced: "{process} was granted session {session} at {at|time} while it still used session {old}: the client replaced the old session silently.",
	Crashed:         "{process} {how} at {at|time}; its .stderr file in logs/ shows the reason.",
	NotMentioned:    "{process} sent {ops|list} in session {session} at {at|time}, and its history does not mention this write.",
	NotApplied:      "{process} sent {ops|list} in session {session} at {at|time}, and ZooKeeper committed it with zxid {zxid|hex}. The history of {process} has no such write that was applied or may have been applied.",
	NotSent:         "{process} recorded at {at|time} that its write was applied, and no such write was sent.",
	CommitOfNone:    "ZooKeeper committed {ops|list} with zxid {zxid|hex} in session {session}, and no history mentions this write.",
	AckRefused:      answered + "the answer was a refusal ({error}), and the write is committed." + contradiction,
	AckLost:         answered + "the answer was an acknowledgement, and the write is not committed." + contradiction,
	AckOther:        answered + "request {xid} of session {other} is committed with this zxid." + contradiction,
	AckKind:         answered + "the answer was an acknowledgement, and the log records the write as {kind}." + contradiction,
	AckParts:        answered + "{committed|list} is committed with this zxid." + contradiction,
	LogsConflict:    "{conflict}." + ofZooKeeper,
	TreesDiffer:     "{first} and {second} serve different trees after zxid {zxid|hex}." + ofZooKeeper,
	TreeOnDisk:      "{server} serves another tree than its snapshot and log give at zxid {zxid|hex}: after a restart it would serve that one." + ofZooKeeper,
	NotLinearizable: "{part}: no order of its {count} operations explains their results.",

	NoTree:          "The final tree could not be read.",
	NotHealed:       "The ensemble did not recover: {problem}.",
	InAHole:         "{process} got an acknowledgement at {at|time}, with zxid {zxid|hex}. No log shows whether the write was committed.",
	NoServerState:   "The logs were read, and {file} has the state of no server." + remedy,
	SnapshotLeftOut: "{server} serves another tree than its other snapshots and its log give at zxid {zxid|hex}, but a snapshot could not be read: {problem}. So nothing is known of its disk.",
	ServerUnknown:   "The state of {server} could not be read: {problem}.",
	NoDigest:        "{file} lacks the digests of server {server|quoted}, and does not say why." + remedy,
	NotSearched:     "{part} was not searched: it has {count} operations, {open} of unknown outcome.",
	SearchCut:       "{part}: the search reached its limit.",
	NotExplained:    "{part}: its {open} operations of unknown outcome are needed to explain it.",
	RecordLoss:      "{loss}.",
	OnlyAnExcerpt:   "This is not a whole run but an excerpt: {excerpt}. An excerpt can show a violation. It cannot show that the run is valid.",
	NotRecorded:     "{file} could not be recorded: {why}.",
}
