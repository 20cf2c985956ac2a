package recipe

import (
	"fmt"
	"time"
)

type moment = func(time.Time) string

// sentences are for people: programs read the fields of a Reason.
var sentences = map[ReasonKind]func(Reason, moment) string{
	BecauseNobodyLeads: func(r Reason, _ moment) string {
		queue := "nobody is in the queue of candidates"
		if r.Count > 0 {
			queue = number(r.Count, "candidate") + " in the queue"
		}
		return "no master leads (" + queue + "): nothing is assigned or taken back until one does"
	},
	BecauseMadeByHand: func(r Reason, _ moment) string {
		return r.Znode + " was made by hand: no master of Ringmaster can lead until it is deleted"
	},
	BecauseZnode: func(r Reason, _ moment) string {
		return Problem{Path: r.Znode, What: r.Detail, Remedy: r.Remedy}.String()
	},
	BecauseQuarantined: quarantineText,
	BecauseNextLook: func(r Reason, _ moment) string {
		return "nothing holds it up: the next look of a master " + actionText(r) +
			"; if it stays like this, the leader or the worker is dead or frozen and its session is not over yet, or the masters have other settings than explain was given; the log of the master says more"
	},
	BecauseNotBefore: func(r Reason, at moment) string { return "it is not to begin before " + at(r.Until) },
	BecauseBackoff: func(r Reason, at moment) string {
		return fmt.Sprintf("it waits until about %s after attempt %d%s%s%s", at(r.Until), r.Count, by(" at ", r.Worker), atTime(", which ended at ", r.Since, at), colon(r.Detail))
	},
	BecauseNoWorkers: func(Reason, moment) string { return "no worker is registered" },
	BecauseNoneTakes: func(r Reason, _ moment) string {
		return fmt.Sprintf("none of the registered workers (%d) takes tasks", r.Count)
	},
	BecauseAllFull: func(r Reason, _ moment) string {
		return fmt.Sprintf("each worker that takes tasks is full: %d of %d places are taken%s", r.Count, r.Limit, r.assumption())
	},
	BecauseOthersFull: func(r Reason, _ moment) string {
		return fmt.Sprintf("worker %s has room, but was lost with it, or showed no progress on it: it waits for another worker, and those are full", r.Worker)
	},
	BecauseStrategy: func(r Reason, _ moment) string {
		if r.Worker == "" {
			return "the strategy of the masters gives it to none of the workers"
		}
		return fmt.Sprintf("the strategy of the masters gives it to worker %s, which is full", r.Worker)
	},
	BecauseTurn: func(r Reason, _ moment) string {
		return waiting(r.Count) + " in front of it, by priority or because of an earlier submission"
	},
	BecauseAssigned: func(r Reason, _ moment) string {
		return fmt.Sprintf("worker %s has it and is registered (attempt %d); the tree does not show whether its handler runs already", r.Worker, r.Count)
	},
	BecauseHandlerRuns: func(r Reason, _ moment) string {
		return fmt.Sprintf("%s is to leave worker %s, which gives it back when its handler has returned%s", r.Task, r.Worker, colon(r.Detail))
	},
	BecauseReturned: func(r Reason, _ moment) string {
		return fmt.Sprintf("worker %s was told to give %s back: it does so at once, or loses its claim 10 s after the master has told it", r.Worker, r.Task)
	},
	BecauseHolderLost: func(r Reason, _ moment) string {
		return fmt.Sprintf("worker %s has it, but is not registered: its session has ended", r.Worker)
	},
	BecauseEven: func(r Reason, _ moment) string {
		return fmt.Sprintf("it stays there: worker %s has %s, and no worker has fewer than %d", r.Worker, number(r.Count, "resident task"), r.Limit)
	},
	BecauseAbandoned: func(r Reason, at moment) string {
		return fmt.Sprintf("worker %s gave it back%s, but its handler may still run there: that worker does not get it as long as there are others", r.Worker, atTime(" at ", r.Since, at))
	},
	BecauseNotShown: func(r Reason, _ moment) string {
		return fmt.Sprintf("what explain may read does not show why (%s not shown)", number(r.Count, "znode"))
	},
	BecauseEnded: func(r Reason, at moment) string {
		return fmt.Sprintf("it is %s%s%s", r.State, atTime(" since ", r.Since, at), colon(r.Detail))
	},
	BecauseLastAttempt: func(r Reason, at moment) string {
		return fmt.Sprintf("attempt %d, the last one%s, ended%s%s", r.Count, by(" at ", r.Worker), atTime(" at ", r.Since, at), colon(r.Detail))
	},
	BecauseRemoval: func(Reason, moment) string {
		return "a client has asked for its removal: a master removes it when no worker holds it"
	},
	BecauseLost: func(r Reason, _ moment) string {
		return fmt.Sprintf("worker %s is not registered: no session holds its name%s", r.Worker, holding(r.Count))
	},
	BecauseLeaving: func(r Reason, _ moment) string {
		return fmt.Sprintf("worker %s leaves: it takes no more tasks%s", r.Worker, holding(r.Count))
	},
	BecauseFenced: func(r Reason, _ moment) string {
		return fmt.Sprintf("a master has taken the claim of worker %s, which did not give back a task in time: it gets tasks when it has registered again%s", r.Worker, holding(r.Count))
	},
	BecauseOutdated: func(r Reason, _ moment) string {
		return Problem{Path: r.Znode, What: r.Detail, Remedy: r.Remedy}.String()
	},
	BecauseNoInbox: func(r Reason, _ moment) string {
		return fmt.Sprintf("worker %s has no inbox: the master makes one at its next look", r.Worker)
	},
	BecauseFull: func(r Reason, _ moment) string {
		return fmt.Sprintf("worker %s is full: it has %d of %d tasks%s", r.Worker, r.Count, r.Limit, r.assumption())
	},
	BecauseRoom: func(r Reason, _ moment) string {
		return fmt.Sprintf("worker %s takes tasks: it has %d of %d%s", r.Worker, r.Count, r.Limit, r.assumption())
	},
	BecauseNothingWaits: func(Reason, moment) string { return "no task waits for a worker" },
	BecauseNoneDue: func(r Reason, at moment) string {
		return fmt.Sprintf("%s, but not before %s at the earliest", waiting(r.Count), at(r.Until))
	},
	BecauseOthers: func(r Reason, _ moment) string {
		return waiting(r.Count) + " for other workers: the strategy of the masters wants that, or the tasks avoid this worker"
	},
}

// actionTexts say what a look of a master does.
var actionTexts = map[string]func(Reason) string{
	"AssignTask":    func(r Reason) string { return "gives " + r.Task + " to worker " + r.To },
	"ReassignTask":  func(r Reason) string { return "moves " + r.Task + " from worker " + r.Worker + " to worker " + r.To },
	"ReleaseTask":   func(r Reason) string { return "takes " + r.Task + " from worker " + r.Worker },
	"RevokeTask":    func(r Reason) string { return "asks worker " + r.Worker + " to give " + r.Task + " back" },
	"TakeTask":      func(r Reason) string { return "tells worker " + r.Worker + " to give " + r.Task + " back at once" },
	"DropTask":      func(r Reason) string { return "removes the assignment of " + r.Task + " to worker " + r.Worker },
	"FailTask":      func(r Reason) string { return "fails " + r.Task + ": its attempts are spent" },
	"CollectTask":   func(r Reason) string { return "removes " + r.Task },
	"DropRequest":   func(r Reason) string { return "drops the request to remove " + r.Task },
	"PruneAttempts": func(r Reason) string { return "deletes the oldest attempts of " + r.Task },
	"OpenInbox":     func(r Reason) string { return "makes the inbox of worker " + r.Worker },
	"FenceWorker":   func(r Reason) string { return "takes the claim of worker " + r.Worker },
}

func actionText(r Reason) string {
	if text := actionTexts[r.Action]; text != nil {
		return text(r)
	}
	return "decides " + r.Action
}

// by names somebody, or nobody.
func by(before, name string) string {
	if name == "" {
		return ""
	}
	return before + "worker " + name
}

func holding(tasks int) string {
	if tasks == 0 {
		return ""
	}
	return ", and has " + number(tasks, "task")
}

func waiting(tasks int) string {
	if tasks == 1 {
		return "1 task waits"
	}
	return fmt.Sprintf("%d tasks wait", tasks)
}

func quarantineText(r Reason, at moment) string {
	what := "the master ignores " + r.Subject + " " + r.Task + r.Worker
	switch {
	case r.Subject == progressSubject:
		what = "the master does not see the progress of " + r.Task + ", and takes it for being made"
	case r.Subject == requestSubject:
		what = "the master ignores the request to remove " + r.Task
	}
	until := "until the znode is deleted"
	if !r.Until.IsZero() {
		until = "and tries again at " + at(r.Until)
	}
	return fmt.Sprintf("%s since %s, %s (refused %s)%s", what, at(r.Since), until, number(r.Count, "time"), colon(r.Detail))
}
