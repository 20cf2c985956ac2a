package leadership

import "github.com/ringmaster-zk/ringmaster/checker/wording"

// The codes of violations.
const (
	EpochTwice  wording.Code = "epoch began twice"
	TwoBelieved wording.Code = "two masters believed to lead"
	StaleMaster wording.Code = "write of a stale master"
	OtherLeader wording.Code = "told of a leader that was not elected"
	LedgerBack  wording.Code = "ledger went back"
	LedgerLost  wording.Code = "ledger lost its last entry"
)

// Texts are the sentences of the codes.
func Texts() wording.Texts { return texts }

var texts = wording.Texts{
	EpochTwice:  "Epoch {epoch} began twice: {first} and {second} were both elected.",
	TwoBelieved: "{old} (epoch {old_epoch}) and {next} (epoch {next_epoch}) both believed to lead for {long|time} from {from|time} on. No fault had stopped {old} or ended its session.",
	StaleMaster: "{process} wrote in the name of epoch {epoch} at {at|time}, and ZooKeeper accepted the write, although {elected} had begun epoch {now} at {since|time}: a stale master was not fenced." + wording.InOrder,
	LedgerBack:  "{process} wrote entry {n} of epoch {epoch} to the ledger at {at|time}, after {other} had written entry {later_n} of epoch {later_epoch}.",
	LedgerLost:  "{process} wrote entry {n} of epoch {epoch} as the last entry of the ledger, but the final tree has entry {final_n} of epoch {final_epoch}.",
	OtherLeader: "{process} heard at {at|time} that {leader} leads epoch {epoch}, but {elected|quoted} was elected with that epoch.",
}
