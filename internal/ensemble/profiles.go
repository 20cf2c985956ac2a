package ensemble

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Profile is a way to set up and reach servers. The default profile is kind: it hides
// the problems that users meet with the settings of the others.
type Profile struct {
	Name string
	Sets string // in words
	Why  string // the problem that it reveals
	Open string // open questions and known failures of runs with it; "any" draws no profile with one

	Tick      time.Duration // tickTime; 0: as the run has it
	SyncLimit int           // 0: DefaultSyncLimit
	Settings  []string      // lines of zoo.cfg, which win over those before them
	Java      []string      // options of the server's Java

	Secret    string // user:password that every client shows; "": none
	Secured   string // the servers' digestAlg, if only that user may open the znodes
	Most      int    // the largest request that servers take, in bytes (jute.maxbuffer); 0: the default
	Namespace string // in front of every znode
	OneName   bool   // clients get one name that stands for the addresses of all servers
	Counter   int64  // the counter of a zxid that each leader starts from; 0: ZooKeeper's own
	Holders   int    // workers that hold resident tasks and do nothing else
}

// DefaultSyncLimit is how many ticks a follower and the leader wait for each other.
const DefaultSyncLimit = 4

// Kind is the default profile of a run.
const Kind = "kind"

// AnyProfile stands for a profile that is drawn from the seed of the run.
const AnyProfile = "any"

// almostOver is the counter of a zxid with 1,500 transactions left.
const almostOver = 0xffffffff - 1500

const secret = "torturer:not-a-secret"

// Profiles lists all profiles, kind first.
var Profiles = []Profile{
	{
		Name: Kind, Sets: "tickTime 500 ms, syncLimit 4, no bound of connections",
		Why: "faults show after a short time, and many of them fit into a run",
	},
	{
		Name: "as-shipped", Sets: "tickTime 2000 ms, syncLimit 5, maxClientCnxns 60, a session timeout of 4 to 6 s, and workers that only hold resident tasks",
		Why:  "a session ends before the follower that its client talks to notices that it has no leader",
		Tick: 2 * time.Second, SyncLimit: 5, Settings: []string{"initLimit=10", "maxClientCnxns=60"}, Holders: 2,
	},
	{
		Name: "digest-off", Sets: "digest.enabled=false",
		Why:      "the servers' logs have no digests of their trees, which the evidence needs",
		Settings: []string{"digest.enabled=false"},
	},
	{
		Name: "connections-60", Sets: "maxClientCnxns 60",
		Why:      "a client that connects again and again in a short time is refused",
		Settings: []string{"maxClientCnxns=60"},
	},
	{
		Name: "read-only", Sets: "readonlymode.enabled=true",
		Why:  "a server without a leader still answers, but grants no session that may write",
		Java: []string{"-Dreadonlymode.enabled=true"},
	},
	{
		Name: "zxid-rollover", Sets: "zookeeper.testingonly.initialZxid: each leader has 1,500 transactions left",
		Why:  "a leader whose counter is at its end gives up, and another is elected: under load, every few seconds",
		Java: []string{"-Dzookeeper.testingonly.initialZxid=" + fmt.Sprint(almostOver)}, Counter: almostOver,
	},
	{
		Name: "enforce-auth", Sets: "enforce.auth.enabled=true, enforce.auth.schemes=digest",
		Why:      "a connection that asks for anything before it has shown a password is closed",
		Settings: []string{"enforce.auth.enabled=true", "enforce.auth.schemes=digest"}, Secret: secret,
	},
	{
		Name: "digest-sha256", Sets: "DigestAuthenticationProvider.digestAlg=SHA-256, and znodes that are open to one user",
		Why:  "the identity in an ACL is made with another hash than the default",
		Java: []string{"-Dzookeeper.DigestAuthenticationProvider.digestAlg=SHA-256"}, Secret: secret, Secured: "SHA-256",
	},
	{
		Name: "small-requests", Sets: "jute.maxbuffer 128 KiB, and tasks with payloads and results of about that size; some results are larger",
		Why:  "a server takes less than the library sends, and hangs up",
		Java: []string{"-Djute.maxbuffer=131072"}, Most: 128 << 10,
	},
	{
		Name: "quota", Sets: "enforceQuota=true, and a quota on the namespace that the fault exhaust-quota sets and lifts",
		Why:      "writes are refused for a while, with a code that older clients do not know",
		Settings: []string{"enforceQuota=true"}, Namespace: "/tortured",
	},
	{
		Name: "one-name", Sets: "clients get one name that stands for the addresses of all servers",
		Why:     "a client that takes the first address each time never leaves a server that does not serve",
		OneName: true,
	},
}

// ProfileNamed finds a profile; "" is the kind profile. AnyProfile is not a profile.
func ProfileNamed(name string) (Profile, error) {
	if name == "" {
		name = Kind
	}
	i := slices.IndexFunc(Profiles, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return Profile{}, fmt.Errorf("ensemble: unknown profile %q: choose %s, or one of %s", name, AnyProfile, strings.Join(ProfileNames(), ", "))
	}
	return Profiles[i], nil
}

// Drawn are the profiles that "any" draws from.
func Drawn() []Profile {
	return slices.DeleteFunc(slices.Clone(Profiles), func(p Profile) bool { return p.Open != "" })
}

// ProfileNames are the names of all profiles, in the order of the table.
func ProfileNames() []string {
	names := make([]string, len(Profiles))
	for i, p := range Profiles {
		names[i] = p.Name
	}
	return names
}

// Patience is how long servers with that tick wait for each other.
func (p Profile) Patience(tick time.Duration) time.Duration {
	return time.Duration(p.syncLimit()) * tick
}

// FirstCounter is the counter of the first zxid under which a leader writes.
func (p Profile) FirstCounter() int64 { return p.Counter + 1 }

func (p Profile) syncLimit() int {
	if p.SyncLimit == 0 {
		return DefaultSyncLimit
	}
	return p.SyncLimit
}
