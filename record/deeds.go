package record

import "strings"

// deeds say what a fault did to its target, by the kind of the fault or by its first
// word. They serve records that do not say it themselves.
var deeds = map[string]string{
	"expire": "had a session of %s ended", "kill": "killed %s", "leave": "asked %s to leave", "stop": "stopped %s", "pause": "stopped %s for a while",
	"sleep":         "put the machine of %s to sleep, with its line dead,",
	"restart-storm": "killed and restarted %s over and over", "twin-worker": "started a second process under the name of %s",
	"wrong-clock": "started %s again with a wrong clock", "cut": "cut %s off from ZooKeeper", "mute": "swallowed what %s sends",
	"deafen": "swallowed what is sent to %s", "reset": "reset the connections of %s", "latency": "delayed the packets of %s",
	"bandwidth": "gave %s a thin line", "drip": "let answers drip to %s", "drop": "lost an answer to %s", "delay": "held an answer to %s",
	"freeze": "let %s connect to silence", "cut-handshake": "cut the handshakes of %s", "move": "moved %s to another server",
	"pause-server": "froze %s", "isolate": "cut %s off from the other servers", "change-leader": "cut %s off until another server led",
	"split": "split the servers, with %s on one side", "bridge": "cut two halves of the servers apart, around %s",
	"asymmetric": "let %s hear nothing of the other servers", "lag": "let %s fall behind", "rolling": "restarted %s, one after the other",
	"restart-all": "killed %s at once", "fill": "filled the disk of %s", "slow": "slowed the disk of %s down",
	"exhaust": "had the quota of the namespace enforced by %s, below what is there,",
}

// Deed says in words for a story what the fault did; %s stands for the target.
func (i Injection) Deed() string {
	if i.Did != "" {
		return i.Did
	}
	verb, _, _ := strings.Cut(i.Fault, "-")
	for _, key := range []string{i.Fault, verb} {
		if deed, known := deeds[key]; known {
			return deed
		}
	}
	return "did " + i.Fault + " to %s"
}
