package wording

// Code identifies a kind of finding. It is stored, so its meaning never changes.
type Code string

// The codes of violations.
const (
	EpochTwice       Code = "epoch began twice"
	TwoBelieved      Code = "two masters believed to lead"
	StaleMaster      Code = "write of a stale master"
	TaskDenied       Code = "accepted task denied"
	TaskGone         Code = "accepted task gone"
	StatusTwice      Code = "status recorded twice"
	TwoResults       Code = "two results shown"
	OtherStatus      Code = "status shown is not on record"
	StatusChanged    Code = "status overwritten"
	SubmittedTwice   Code = "submission made several tasks"
	SubmittedByNone  Code = "task of no submission"
	NoSuchTask       Code = "no such task executed"
	StaleEffect      Code = "stale effect accepted"
	EffectRefused    Code = "effect refused without reason"
	StaleResult      Code = "result is not from the last that acted"
	AttemptTwice     Code = "attempt executed twice"
	SmallerToken     Code = "later attempt has the smaller token"
	AttemptLost      Code = "attempt is not on record"
	AssignmentLost   Code = "assignment ended with nothing instead"
	ResultOfNone     Code = "result of an execution that never ran"
	ResultGivenUp    Code = "result of an attempt that was given up"
	RecordOtherRun   Code = "attempt on record ran under another epoch"
	RecordOtherEpoch Code = "attempt on record was assigned in another epoch"
	FailedOtherToken Code = "failed with another token than its last attempt"
	NoStatus         Code = "no status"
	StillAssigned    Code = "finished and still assigned"
	StillWaiting     Code = "clients still waited"
	SessionUsed      Code = "session used after a fault had ended it"
	SessionOver      Code = "session used after its end"
	SessionReplaced  Code = "session replaced silently"
	Crashed          Code = "participant crashed"
	LeftBehind       Code = "attempt left behind"
	FailedEarly      Code = "failed with other than its attempts"
	TooManyAttempts  Code = "more attempts than allowed"
	MarkAlone        Code = "mark of an attempt that is not on record"
	BeyondBudget     Code = "executed beyond its budget"
	StartedEarly     Code = "started early"
	TooManyHandlers  Code = "too many handlers"
	CollectedEarly   Code = "collected before its retention"
	OtherLeader      Code = "told of a leader that was not elected"
	NotFinished      Code = "told finished without a status"
	FinishedBack     Code = "told finished and then another state"
	ResidentTwice    Code = "resident executed by two"
	ResidentClosed   Code = "resident executed after its session was closed"
	ResidentNotTold  Code = "resident not told to end after a halt"
	ResidentToldLate Code = "resident told to end too late after a halt"
	ResidentSlow     Code = "resident took too long to end after a halt"
	NotMentioned     Code = "write sent that no history mentions"
	NotApplied       Code = "write committed that its history does not say was applied"
	NotSent          Code = "acknowledged write that was never sent"
	CommitOfNone     Code = "commit that no history mentions"
	AckRefused       Code = "refused and committed"
	AckLost          Code = "acknowledged and not committed"
	AckOther         Code = "acknowledged and another write committed"
	AckKind          Code = "acknowledged and recorded as something else"
	AckParts         Code = "acknowledged and committed with other parts"
	LogsConflict     Code = "logs of servers conflict"
	TreesDiffer      Code = "servers serve different trees"
	TreeOnDisk       Code = "server would come back with another tree"
	NotAllowed       Code = "write that the protocol does not allow"
	NotLinearizable  Code = "not linearizable"
)

// The codes of doubts: questions that judges could not answer.
const (
	NoTree        Code = "final tree not read"
	NotHealed     Code = "ensemble did not come back"
	InAHole       Code = "commit in a hole of the logs"
	NoServerState Code = "state of servers not recorded"
	ServerUnknown Code = "state of a server not found out"
	NoDigest      Code = "digests of a server not recorded"
	NoExchange    Code = "nothing recorded of the wire"
	NotFollowed   Code = "trace not followed to its end"
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
	byTwo         = "{object} was executed by {old} until {until|time}, and by {next} from {from|time} on."
	couldRun      = byTwo + " {old} could run again from {woke|time} on ({fault})"
	inOrder       = "[ (The zxids are {before|hex}, and then {zxid|hex}.)]"
	remedy        = " Restore the run's folder from where the run was made, or do the run again."
)

// sentences has a template for each code. {name} is an argument; {name|how} is an
// argument shown as a time, a duration (long), a zxid (hex), a list or a quotation.
// Text in brackets is left out if one of its arguments is not known.
var sentences = map[Code]string{
	EpochTwice:       "Epoch {epoch} began twice: {first} and {second} were both elected.",
	TwoBelieved:      "{old} (epoch {old_epoch}) and {next} (epoch {next_epoch}) both believed to lead for {long|time} from {from|time} on, and nobody had been stopped.",
	StaleMaster:      "{process} wrote in the name of epoch {epoch} at {at|time} and was accepted, although {elected} had begun epoch {now} at {since|time}: a stale master was not fenced." + inOrder,
	TaskDenied:       "{object} was accepted, and {process} was told at {at|time}: {answer}.",
	TaskGone:         "{object} was accepted from {process} at {at|time} and is gone.",
	StatusTwice:      "{object} got its status twice: from {first} at {before|time} and from {second} at {at|time}.",
	TwoResults:       "{object} showed two results: {first|quoted} and {second|quoted}.",
	OtherStatus:      "{object} was {shown} with {shown_result|quoted} for {process}, and is {recorded} with {recorded_result|quoted} by the record.",
	StatusChanged:    "The status of {object} was overwritten: its version is {version}.",
	SubmittedTwice:   "Submission {id} made {count} tasks: {tasks|list}.",
	SubmittedByNone:  "{tasks|list} was submitted by nobody.",
	NoSuchTask:       "{object} was executed by {process}, and there is no such task.",
	StaleEffect:      "An execution of {object} with token {token} acted at {at|time}, after one with token {later} had.",
	EffectRefused:    "The sink refused {object} with token {token} at {at|time} without reason.",
	StaleResult:      "{object} has its result from token {token}, but an execution with token {later} acted at {at|time}.",
	AttemptTwice:     "Attempt {attempt} of {object} was executed twice: by {first} at {before|time} (epoch {first_epoch}) and by {second} at {at|time} (epoch {second_epoch}).",
	SmallerToken:     "Attempt {attempt} of {object} has epoch {epoch}, after attempt {earlier} had epoch {earlier_epoch}: the later execution has the smaller token.",
	AttemptLost:      "Attempt {attempt} of {object}, by {process} at {at|time}, ended without a result and is not on record.",
	AssignmentLost:   "{process} deleted the assignment of {object} at {at|time} and in the same write put nothing in its place: until the next write no one had the task, and its attempt was on no record.",
	ResultOfNone:     "The result of {object} is said to come from {process} with token {token}, which never ran it.",
	ResultGivenUp:    "The result of {object} comes from attempt {attempt}, which had been given up: a stale worker was not fenced.",
	RecordOtherRun:   "Attempt {attempt} of {object} is on record with epoch {epoch}, and {process} ran it at {at|time} under epoch {ran}.",
	RecordOtherEpoch: "Attempt {attempt} of {object} is on record with epoch {epoch}, and was assigned in epoch {assigned}.",
	FailedOtherToken: "{object} has failed with token {token}, and its last attempt is on record with epoch {epoch}.",
	NoStatus:         "{object} has no status.",
	StillAssigned:    "{object} is finished and still assigned to {workers|list}.",
	StillWaiting:     "Clients still waited at the deadline: {problem}.",
	SessionUsed:      "{process} wrote in the name of session {session} at {at|time} and was accepted, although that session had ended at {ended|time}.",
	SessionOver:      "{process} wrote in the name of session {session} at {at|time} and was accepted, although that session had ended." + inOrder,
	SessionReplaced:  "{process} was granted session {session} at {at|time} while it held on to session {old}: the old one was replaced silently.",
	Crashed:          "{process} {how} at {at|time}; its .stderr file in logs/ says why.",
	LeftBehind:       "{worker} left in good order at {left|time} and had not finished attempt {attempt} of {object}, nor given it back: {process} put it on record at {at|time} ({why}).",
	FailedEarly:      "{object} has failed with {attempts} attempts on record that count, and is allowed {allowed}.",
	TooManyAttempts:  "{object} had {attempts} attempts that count, and is allowed {allowed}.",
	MarkAlone:        "Attempt {attempt} of {object} is not to count, and is not on record.",
	BeyondBudget:     "{object} was executed as attempt {attempt}, and is allowed {allowed}.",
	StartedEarly:     "{object} was executed at {at|time}, and was to wait until {due|time}.",
	TooManyHandlers:  "{process} ran {handlers} handlers at {at|time}, and may run {allowed}.",
	CollectedEarly:   "{object} got its status at {recorded|time} at the earliest and was collected by {process} at {at|time}, before its retention of {retention|long} was over.",
	OtherLeader:      "{process} was told at {at|time} that {leader} leads epoch {epoch}, which {elected|quoted} has begun.",
	NotFinished:      "{process} told at {at|time} that {object} is finished, and nobody has recorded a status.",
	FinishedBack:     "{process} told at {before|time} that {object} is finished, and at {at|time}: {state}.",
	ResidentTwice:    byTwo,
	ResidentClosed:   byTwo + " {old} had closed its session at {closed|time}, before its handler returned.",
	ResidentNotTold:  couldRun + ", and did not tell its handler to end.",
	ResidentToldLate: couldRun + ", and told its handler to end only at {told|time}.",
	ResidentSlow:     couldRun + ". Its handler was told to end at {told|time}, and took longer to return than any handler of the workload does.",
	NotMentioned:     "{process} sent {ops|list} in session {session} at {at|time}, and its history does not mention it.",
	NotApplied:       "{process} sent {ops|list} in session {session} at {at|time}; it was committed under zxid {zxid|hex}, and its history says of no such write that it was applied, or may have been.",
	NotSent:          "{process} was told at {at|time} that its write was applied, and none was seen to be sent.",
	CommitOfNone:     "Under zxid {zxid|hex}, {ops|list} was committed in session {session}, and no history mentions that.",
	AckRefused:       answered + "it was refused ({error}) and is committed all the same." + contradiction,
	AckLost:          answered + "it was acknowledged and is not committed." + contradiction,
	AckOther:         answered + "what is committed there is number {xid} of session {other}." + contradiction,
	AckKind:          answered + "it was acknowledged and is recorded as {kind}." + contradiction,
	AckParts:         answered + "what is committed there is {committed|list}." + contradiction,
	LogsConflict:     "{conflict}." + ofZooKeeper,
	TreesDiffer:      "{first} and {second} serve different trees after zxid {zxid|hex}." + ofZooKeeper,
	TreeOnDisk:       "{server} serves another tree than it would come back with: its snapshot and log say something else at zxid {zxid|hex}." + ofZooKeeper,
	NotAllowed:       "At {at|time}, {process}: {why}",
	NotLinearizable:  "{part}: no order of its {count} operations explains what was seen.",

	NoTree:        "The final tree could not be read.",
	NotHealed:     "The ensemble did not come back: {problem}.",
	InAHole:       "{process} was answered at {at|time}, for zxid {zxid|hex}, that its write was applied; whether it was committed, no log tells.",
	NoServerState: "The logs were read, and {file} says of no server what it has." + remedy,
	ServerUnknown: "What {server} has could not be found out: {problem}.",
	NoDigest:      "{file} does not have the digests of server {server|quoted}, and does not say why." + remedy,
	NoExchange:    "Nothing is recorded of what went over the wire.",
	NotFollowed:   "{why}",
	NotSearched:   "{part} was not searched: {count} operations, {open} of unknown outcome.",
	SearchCut:     "{part}: the search was cut short.",
	NotExplained:  "{part} is not explained without its {open} operations of unknown outcome.",
	RecordLoss:    "{loss}.",
	OnlyAnExcerpt: "This is not a whole run but an excerpt: {excerpt}. It can show a violation; that nothing is wrong it cannot show.",
	NotRecorded:   "{file} could not be recorded: {why}.",
}
