package history

import (
	"strconv"
	"strings"
)

// The znodes of the store. They are those of the layout YARN, in which the ids of applications are split.
const (
	Root   = "/rmstore/ZKRMStateRoot"
	Split  = 2 // characters of an application's id that are on a level of their own
	Epoch  = Root + "/EpochNode"
	Parts  = Root + "/RMPartsRoot"
	apps   = Root + "/RMAppRoot/HIERARCHIES/2"
	single = Root + "/AMRMTokenSecretManagerRoot"
)

// Serving is the key of the record in which a manager notes, with its epoch as text, that it has loaded all
// records. It is written after the load, so it says that the load succeeded.
const (
	Serving     = "amrm-keys/serving"
	ServingPath = single + "/serving"
)

// KeyOf is the key of the record that a znode is; empty for any other znode.
func KeyOf(at string) string {
	if below, is := strings.CutPrefix(at, apps+"/"); is {
		parts := strings.SplitN(below, "/", 3)
		if len(parts) < 2 {
			return "" // it only splits ids
		}
		return strings.Join(append([]string{"apps/" + parts[0] + parts[1]}, parts[2:]...), "/")
	}
	if below, is := strings.CutPrefix(at, single+"/"); is && !strings.Contains(below, "/") {
		return "amrm-keys/" + below
	}
	return ""
}

// ObjectOf is the object that a znode belongs to: an application, or the one record of another type; empty for
// none.
func ObjectOf(at string) string { return ObjectOfKey(KeyOf(at)) }

// ObjectOfKey is the object that a record belongs to.
func ObjectOfKey(key string) string {
	parts := strings.SplitN(key, "/", 3)
	if len(parts) < 2 {
		return ""
	}
	return parts[0] + "/" + parts[1]
}

// PartOf is the group of parts that a znode is, or in which it is a part: number is that of the part, and -1
// for the group itself. is is false for any other znode.
func PartOf(at string) (group string, number int, is bool) {
	below, is := strings.CutPrefix(at, Parts+"/")
	if !is {
		return "", 0, false
	}
	group, part, inside := strings.Cut(below, "/")
	if !inside {
		return group, -1, true
	}
	n, err := strconv.Atoi(part)
	return group, n, err == nil
}

// EpochOfGroup is the epoch in which a group of parts was written; false if its name is none of the recipe.
func EpochOfGroup(group string) (epoch int32, is bool) {
	number, _, cut := strings.Cut(group, "-")
	n, err := strconv.ParseInt(number, 10, 32)
	return int32(n), cut && err == nil
}

// Pointer is the data of a record whose value is in parts.
type Pointer struct {
	Group string
	Count int
	Size  int
}

// ReadData reads the data of a record: the value, or where its parts are; neither for data that is none of the
// recipe.
func ReadData(data string) (value string, at *Pointer, is bool) {
	switch {
	case strings.HasPrefix(data, "@="):
		return data[2:], nil, true
	case strings.HasPrefix(data, "@parts "):
		fields := strings.Fields(data)
		if len(fields) != 5 {
			return "", nil, false
		}
		count, bad := strconv.Atoi(fields[2])
		size, worse := strconv.Atoi(fields[3])
		return "", &Pointer{fields[1], count, size}, bad == nil && worse == nil
	}
	return data, nil, !strings.HasPrefix(data, "@")
}

// Below reports whether a znode is the store's root, or below it.
func Below(at string) bool { return at == Root || strings.HasPrefix(at, Root+"/") }
