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
	NoTree        Code = "final tree not read"
	NotHealed     Code = "ensemble did not come back"
	InAHole       Code = "commit in a hole of the logs"
	NoServerState Code = "state of servers not recorded"
	ServerUnknown Code = "state of a server not found out"
	NoDigest      Code = "digests of a server not recorded"
	NotSearched   Code = "not searched"
	SearchCut     Code = "search cut short"
	NotExplained  Code = "not explained without what is unknown"
	RecordLoss    Code = "loss in the record"
	OnlyAnExcerpt Code = "only an excerpt"
	NotRecorded   Code = "could not be recorded"
)

const (
	contradiction = " The acknowledgement and what was committed contradict each other: that is ZooKeeper's violation, or the record's."
	answered      = "{process} was answered at {at|time}, for zxid {zxid|hex}: {ops|list}: "
	ofZooKeeper   = " That is a violation by ZooKeeper itself, not by the recipe."
	remedy        = " Restore the run's folder from where the run was made, or do the run again."

	// InOrder is the end of a sentence about a write that came after something else: the
	// zxids of both, if they are known.
	InOrder = "[ (The zxids are {before|hex}, and then {zxid|hex}.)]"
)

// everywhere are the sentences of the codes of this package.
var everywhere = Texts{
	SessionUsed:     "{process} wrote in the name of session {session} at {at|time} and was accepted, although that session had ended at {ended|time}.",
	SessionOver:     "{process} wrote in the name of session {session} at {at|time} and was accepted, although that session had ended." + InOrder,
	SessionReplaced: "{process} was granted session {session} at {at|time} while it held on to session {old}: the old one was replaced silently.",
	Crashed:         "{process} {how} at {at|time}; its .stderr file in logs/ says why.",
	NotMentioned:    "{process} sent {ops|list} in session {session} at {at|time}, and its history does not mention it.",
	NotApplied:      "{process} sent {ops|list} in session {session} at {at|time}; it was committed under zxid {zxid|hex}, and its history says of no such write that it was applied, or may have been.",
	NotSent:         "{process} was told at {at|time} that its write was applied, and none was seen to be sent.",
	CommitOfNone:    "Under zxid {zxid|hex}, {ops|list} was committed in session {session}, and no history mentions that.",
	AckRefused:      answered + "it was refused ({error}) and is committed all the same." + contradiction,
	AckLost:         answered + "it was acknowledged and is not committed." + contradiction,
	AckOther:        answered + "what is committed there is number {xid} of session {other}." + contradiction,
	AckKind:         answered + "it was acknowledged and is recorded as {kind}." + contradiction,
	AckParts:        answered + "what is committed there is {committed|list}." + contradiction,
	LogsConflict:    "{conflict}." + ofZooKeeper,
	TreesDiffer:     "{first} and {second} serve different trees after zxid {zxid|hex}." + ofZooKeeper,
	TreeOnDisk:      "{server} serves another tree than it would come back with: its snapshot and log say something else at zxid {zxid|hex}." + ofZooKeeper,
	NotLinearizable: "{part}: no order of its {count} operations explains what was seen.",

	NoTree:        "The final tree could not be read.",
	NotHealed:     "The ensemble did not come back: {problem}.",
	InAHole:       "{process} was answered at {at|time}, for zxid {zxid|hex}, that its write was applied; whether it was committed, no log tells.",
	NoServerState: "The logs were read, and {file} says of no server what it has." + remedy,
	ServerUnknown: "What {server} has could not be found out: {problem}.",
	NoDigest:      "{file} does not have the digests of server {server|quoted}, and does not say why." + remedy,
	NotSearched:   "{part} was not searched: {count} operations, {open} of unknown outcome.",
	SearchCut:     "{part}: the search was cut short.",
	NotExplained:  "{part} is not explained without its {open} operations of unknown outcome.",
	RecordLoss:    "{loss}.",
	OnlyAnExcerpt: "This is not a whole run but an excerpt: {excerpt}. It can show a violation; that nothing is wrong it cannot show.",
	NotRecorded:   "{file} could not be recorded: {why}.",
}
