package judge

import "github.com/ringmaster-zk/ringmaster/checker/wording"

// The codes of violations.
const (
	TaskDenied       wording.Code = "accepted task denied"
	TaskGone         wording.Code = "accepted task gone"
	StatusTwice      wording.Code = "status recorded twice"
	TwoResults       wording.Code = "two results shown"
	OtherStatus      wording.Code = "status shown is not on record"
	StatusChanged    wording.Code = "status overwritten"
	SubmittedTwice   wording.Code = "submission made several tasks"
	SubmittedByNone  wording.Code = "task of no submission"
	NoSuchTask       wording.Code = "no such task executed"
	StaleEffect      wording.Code = "stale effect accepted"
	EffectRefused    wording.Code = "effect refused without reason"
	StaleResult      wording.Code = "result is not from the last that acted"
	AttemptTwice     wording.Code = "attempt executed twice"
	SmallerToken     wording.Code = "later attempt has the smaller token"
	AttemptLost      wording.Code = "attempt is not on record"
	AssignmentLost   wording.Code = "assignment ended with nothing instead"
	ResultOfNone     wording.Code = "result of an execution that never ran"
	ResultGivenUp    wording.Code = "result of an attempt that was given up"
	RecordOtherRun   wording.Code = "attempt on record ran under another epoch"
	RecordOtherEpoch wording.Code = "attempt on record was assigned in another epoch"
	FailedOtherToken wording.Code = "failed with another token than its last attempt"
	NoStatus         wording.Code = "no status"
	StillAssigned    wording.Code = "finished and still assigned"
	StillWaiting     wording.Code = "clients still waited"
	LeftBehind       wording.Code = "attempt left behind"
	FailedEarly      wording.Code = "failed with other than its attempts"
	TooManyAttempts  wording.Code = "more attempts than allowed"
	MarkAlone        wording.Code = "mark of an attempt that is not on record"
	BeyondBudget     wording.Code = "executed beyond its budget"
	StartedEarly     wording.Code = "started early"
	TooManyHandlers  wording.Code = "too many handlers"
	CollectedEarly   wording.Code = "collected before its retention"
	NotFinished      wording.Code = "told finished without a status"
	FinishedBack     wording.Code = "told finished and then another state"
	ResidentTwice    wording.Code = "resident executed by two"
	ResidentClosed   wording.Code = "resident executed after its session was closed"
	ResidentNotTold  wording.Code = "resident not told to end after a halt"
	ResidentToldLate wording.Code = "resident told to end too late after a halt"
	ResidentSlow     wording.Code = "resident took too long to end after a halt"
	NotAllowed       wording.Code = "write that the protocol does not allow"
)

// The codes of doubts.
const (
	NoExchange  wording.Code = "nothing recorded of the wire"
	NotFollowed wording.Code = "trace not followed to its end"
)

const (
	byTwo    = "{object} was executed by {old} until {until|time}, and by {next} from {from|time} on."
	couldRun = byTwo + " {old} could run again from {woke|time} on ({fault})"
)

// texts are the sentences of the codes.
var texts = wording.Texts{
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
	LeftBehind:       "{worker} left in good order at {left|time} and had not finished attempt {attempt} of {object}, nor given it back: {process} put it on record at {at|time} ({why}).",
	FailedEarly:      "{object} has failed with {attempts} attempts on record that count, and is allowed {allowed}.",
	TooManyAttempts:  "{object} had {attempts} attempts that count, and is allowed {allowed}.",
	MarkAlone:        "Attempt {attempt} of {object} is not to count, and is not on record.",
	BeyondBudget:     "{object} was executed as attempt {attempt}, and is allowed {allowed}.",
	StartedEarly:     "{object} was executed at {at|time}, and was to wait until {due|time}.",
	TooManyHandlers:  "{process} ran {handlers} handlers at {at|time}, and may run {allowed}.",
	CollectedEarly:   "{object} got its status at {recorded|time} at the earliest and was collected by {process} at {at|time}, before its retention of {retention|long} was over.",
	NotFinished:      "{process} told at {at|time} that {object} is finished, and nobody has recorded a status.",
	FinishedBack:     "{process} told at {before|time} that {object} is finished, and at {at|time}: {state}.",
	ResidentTwice:    byTwo,
	ResidentClosed:   byTwo + " {old} had closed its session at {closed|time}, before its handler returned.",
	ResidentNotTold:  couldRun + ", and did not tell its handler to end.",
	ResidentToldLate: couldRun + ", and told its handler to end only at {told|time}.",
	ResidentSlow:     couldRun + ". Its handler was told to end at {told|time}, and took longer to return than any handler of the workload does.",
	NotAllowed:       "At {at|time}, {process}: {why}",
	NoExchange:       "Nothing is recorded of what went over the wire.",
	NotFollowed:      "{why}",
}
