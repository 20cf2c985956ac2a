package store

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Layout says which types of records there are, and how the znodes are called. The memory and the file
// system need only the Types.
type Layout struct {
	// Root is the path of the store, such as /rmstore/ZKRMStateRoot.
	Root string
	// Version, Epoch and Parts are the names of znodes below Root: for the format, the epoch, and the
	// parts of large values. Default: version, epoch, parts.
	Version, Epoch, Parts string
	// Types are the types of records. Without any, those of the store are used, which must exist then.
	// Types that the store does not have yet are added when it is opened.
	Types []Type
}

// Type is one type of records.
type Type struct {
	// Name is the first part of the keys, such as apps.
	Name string
	// Path is where the records are, below Root, such as RMAppRoot. Default: Name.
	Path string
	// Split is how many characters at the end of the first id of a key are on a level of their own, so
	// that no znode has too many children: 0 to 4. With 2, application_1_0042 is at
	// HIERARCHIES/2/application_1_00/42. A store keeps the Split with which the type was made.
	Split int
	// Rebuilt says that the records need not be kept, because the next active can rebuild them from
	// elsewhere: Apply leaves them out, and Get and Load do not have them.
	Rebuilt bool
}

// YARN is the layout of a ResourceManager of Hadoop with its names, such as /rmstore/ZKRMStateRoot. Only
// the names are those of Hadoop: the data of the znodes is not. split is that of the applications and of
// the delegation tokens.
func YARN(root string, split int) Layout {
	return Layout{
		Root: root, Version: "RMVersionNode", Epoch: "EpochNode", Parts: "RMPartsRoot",
		Types: []Type{
			{Name: "apps", Path: "RMAppRoot", Split: split},
			{Name: "tokens", Path: "RMDTSecretManagerRoot/RMDelegationTokensRoot", Split: split},
			{Name: "token-keys", Path: "RMDTSecretManagerRoot/RMDTMasterKeysRoot"},
			{Name: "token-sequence", Path: "RMDTSecretManagerRoot/RMDTSequentialNumber"},
			{Name: "amrm-keys", Path: "AMRMTokenSecretManagerRoot"},
			{Name: "reservations", Path: "ReservationSystemRoot"},
			{Name: "proxy-ca", Path: "ProxyCARoot"},
		},
	}
}

// hierarchies is the name of the znode with the split ids of a type, as Hadoop calls it.
const hierarchies = "HIERARCHIES"

// mostSplit is the greatest Split, as in Hadoop.
const mostSplit = 4

// filled has the defaults.
func (l Layout) filled() Layout {
	for _, n := range []struct {
		name *string
		or   string
	}{{&l.Version, "version"}, {&l.Epoch, "epoch"}, {&l.Parts, "parts"}} {
		if *n.name == "" {
			*n.name = n.or
		}
	}
	l.Types = slices.Clone(l.Types)
	for i, t := range l.Types {
		if t.Path == "" {
			l.Types[i].Path = t.Name
		}
	}
	return l
}

// Check returns what is wrong with a Layout; nil if nothing is.
func (l Layout) Check() error {
	l = l.filled()
	own := []string{l.Version, l.Epoch, l.Parts}
	for _, t := range l.Types {
		if strings.Contains(t.Name, "/") || zkapi.CheckPath("/"+t.Name) != nil || t.Name == "" {
			return invalid("type %q: use a name without a slash, such as apps", t.Name)
		}
		if t.Split < 0 || t.Split > mostSplit {
			return invalid("type %s: Split %d: use 0 to %d", t.Name, t.Split, mostSplit)
		}
		own = append(own, t.Path)
	}
	for i, a := range own {
		if zkapi.CheckPath("/"+a) != nil {
			return invalid("the name %q of a znode: %v", a, zkapi.CheckPath("/"+a))
		}
		for _, b := range own[:i] {
			if a == b || strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/") {
				return invalid("the names %s and %s of znodes are the same, or one is below the other: use different ones", b, a)
			}
		}
	}
	for i, t := range l.Types {
		if slices.ContainsFunc(l.Types[:i], func(u Type) bool { return u.Name == t.Name }) {
			return invalid("type %s is there twice", t.Name)
		}
	}
	return nil
}

// checkRoot checks what a store on ZooKeeper needs beside that.
func (l Layout) checkRoot() error {
	if err := input.CheckPath(recipe, l.Root, "/rmstore/ZKRMStateRoot"); err != nil {
		return err
	}
	return l.Check()
}

func (l Layout) version() string      { return l.Root + "/" + l.Version }
func (l Layout) epoch() string        { return l.Root + "/" + l.Epoch }
func (l Layout) parts() string        { return l.Root + "/" + l.Parts }
func (l Layout) folder(t Type) string { return l.Root + "/" + t.Path }
func (l Layout) splits(t Type) string {
	return l.folder(t) + "/" + hierarchies + "/" + strconv.Itoa(t.Split)
}
func (l Layout) group(g string) string { return l.parts() + "/" + g }
func (l Layout) find(name string) (Type, bool) {
	for _, t := range l.Types {
		if t.Name == name {
			return t, true
		}
	}
	return Type{}, false
}

// TypeOf is the type of a key. The error is an ErrInvalid if the key is none of this Layout.
func (l Layout) TypeOf(key string) (Type, error) {
	name, ids, more := strings.Cut(key, "/")
	t, known := l.find(name)
	switch {
	case !known:
		return t, invalid("key %q: the store has no type %q: begin with the name of a type, such as apps/application_1", key, name)
	case !more || zkapi.CheckPath("/"+key) != nil:
		return t, invalid("key %q: write the name of a type and an id, such as apps/application_1", key)
	case ids == hierarchies || strings.HasPrefix(ids, hierarchies+"/"):
		return t, invalid("key %q: the id %s belongs to the store: use another one", key, hierarchies)
	}
	return t, nil
}

// Above is the key of the record above, and false for a record directly below its type.
func Above(key string) (string, bool) {
	above := path.Dir(key)
	return above, strings.Contains(above, "/")
}

// place is where a record is. head is the znode above it that only splits ids, or empty.
func (l Layout) place(t Type, key string) (at, head string) {
	_, ids, _ := strings.Cut(key, "/")
	id, below, more := strings.Cut(ids, "/")
	at = l.folder(t) + "/" + id
	if runes := []rune(id); t.Split > 0 && len(runes) > t.Split {
		cut := len(runes) - t.Split
		h := l.splits(t) + "/" + string(runes[:cut])
		if split := h + "/" + string(runes[cut:]); zkapi.CheckPath(split) == nil { // no part is .. or .
			at, head = split, h
		}
	}
	if more {
		return at + "/" + below, ""
	}
	return at, head
}
