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
	NotItsTask       wording.Code = "submission told that it made a task of another"
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
	byTwo    = "{old} executed {object} until {until|time}, and {next} executed it from {from|time} on."
	couldRun = byTwo + " {old} could run again from {woke|time} on ({fault})"
)

// texts are the sentences of the codes.
var texts = wording.Texts{
	TaskDenied:       "{object} was accepted, but {process} got this answer at {at|time}: {answer}.",
	TaskGone:         "{object} was accepted from {process} at {at|time}, and it is missing.",
	StatusTwice:      "{object} got two statuses: from {first} at {before|time} and from {second} at {at|time}.",
	TwoResults:       "{object} showed two results: {first|quoted} and {second|quoted}.",
	OtherStatus:      "{process} saw {object} as {shown} with {shown_result|quoted}, and the final tree has {recorded} with {recorded_result|quoted}.",
	StatusChanged:    "The status of {object} was overwritten: its version is {version}.",
	SubmittedTwice:   "Submission {id} made {count} tasks: {tasks|list}.",
	SubmittedByNone:  "{tasks|list} comes from no submission.",
	NotItsTask:       "{process} was told {told} times that its submission made {object}, but at most {made} of its writes made it.",
	NoSuchTask:       "{process} executed {object}, and no such task exists.",
	StaleEffect:      "The system outside accepted an act of {object} with token {token} at {at|time}, after it had accepted one with token {later}.",
	EffectRefused:    "The system outside refused an act of {object} with token {token} at {at|time} without a reason.",
	StaleResult:      "The result of {object} comes from token {token}, but an execution with token {later} acted outside at {at|time}.",
	AttemptTwice:     "Attempt {attempt} of {object} was executed twice: by {first} at {before|time} (epoch {first_epoch}) and by {second} at {at|time} (epoch {second_epoch}).",
	SmallerToken:     "Attempt {attempt} of {object} has epoch {epoch}, after attempt {earlier} had epoch {earlier_epoch}: the later execution has the smaller token.",
	AttemptLost:      "{process} ended attempt {attempt} of {object} at {at|time} without a result, and the attempt is not on record.",
	AssignmentLost:   "{process} deleted the assignment of {object} at {at|time} and in the same write put nothing in its place: until the next write no worker had the task, and no record had its attempt.",
	ResultOfNone:     "The result of {object} names {process|quoted} with token {token}, but no such execution ran.",
	ResultGivenUp:    "The result of {object} comes from attempt {attempt}, but this attempt was already recorded as ended: a stale worker was not fenced.",
	RecordOtherRun:   "Attempt {attempt} of {object} is on record with epoch {epoch}, but {process} ran it at {at|time} under epoch {ran}.",
	RecordOtherEpoch: "Attempt {attempt} of {object} is on record with epoch {epoch}, but it was assigned in epoch {assigned}.",
	FailedOtherToken: "{object} has failed with token {token}, but its last attempt is on record with epoch {epoch}.",
	NoStatus:         "{object} has no status.",
	StillAssigned:    "{object} is finished, but still assigned to {workers|list}.",
	StillWaiting:     "Clients still waited at the deadline: {problem}.",
	LeftBehind:       "{worker} left in good order at {left|time}, but it neither finished nor returned attempt {attempt} of {object}: {process} put the attempt on record at {at|time} ({why}).",
	FailedEarly:      "{object} has failed after {attempts} attempts that count, but it is allowed {allowed}.",
	TooManyAttempts:  "{object} had {attempts} attempts that count, but it is allowed {allowed}.",
	MarkAlone:        "Attempt {attempt} of {object} has the mark that it does not count, but the attempt is not on record.",
	BeyondBudget:     "{object} was executed as attempt {attempt}, but it is allowed {allowed} attempts.",
	StartedEarly:     "{object} was executed at {at|time}, before its time, {due|time}.",
	TooManyHandlers:  "{process} ran {handlers} handlers at {at|time}, but it may run {allowed}.",
	CollectedEarly:   "{object} got its status at {recorded|time} at the earliest, and {process} collected it at {at|time}, before its retention of {retention|long} was over.",
	NotFinished:      "{process} told its application at {at|time} that {object} is finished, but no status was recorded.",
	FinishedBack:     "{process} told its application at {before|time} that {object} is finished, but at {at|time} it told another state: {state}.",
	ResidentTwice:    byTwo,
	ResidentClosed:   byTwo + " {old} had closed its session at {closed|time}, before its handler returned.",
	ResidentNotTold:  couldRun + ", and did not tell its handler to end.",
	ResidentToldLate: couldRun + ", and told its handler to end only at {told|time}.",
	ResidentSlow:     couldRun + ". It told its handler to end at {told|time}, and the handler took longer to return than any handler of the workload may.",
	NotAllowed:       "At {at|time}, {process}: {why}",
	NoExchange:       "The run has no record of the requests and answers on the wire.",
	NotFollowed:      "{why}",
}
