package history

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/record"
)

// The kinds of the events that managers note. Their payload is [record.Own], with the epoch of the
// store as token. How long a manager is active is [record.Lead].
const (
	Open    record.Kind = "store-open"    // a manager opens the store; ok has the epoch as token
	Load    record.Kind = "store-load"    // it loads all records
	Apply   record.Kind = "store-apply"   // it applies changes
	Get     record.Kind = "store-get"     // it reads one record
	Collect record.Kind = "store-collect" // it deletes parts that belong to no record
)

// The versions that no record has, as in the recipe.
const (
	Absent int32 = -1
	Any    int32 = -2
)

// Change is one change that a manager asks for.
type Change struct {
	Key    string `json:"key"`
	If     int32  `json:"if"` // the version that the record must have
	Delete bool   `json:"delete,omitempty"`
	Value  string `json:"value,omitempty"` // the digest of the value
}

// Asked is the data of [Apply], when it begins.
type Asked struct {
	Changes []Change `json:"changes"`
}

// Wanted is the data of [Get], when it begins.
type Wanted struct {
	Key string `json:"key"`
}

// Refusal says why changes were refused.
type Refusal string

// The refusals. Each says something of one record. A call that failed for another reason has none.
const (
	Changed  Refusal = "changed"
	Missing  Refusal = "missing"
	NoParent Refusal = "no parent"
	NotEmpty Refusal = "not empty"
)

// Told is the data of [Apply], when it ends.
type Told struct {
	Versions []int32 `json:"versions,omitempty"` // of the changes, if they were applied
	Refusal  Refusal `json:"refusal,omitempty"`
	Refused  int     `json:"refused,omitempty"` // the place of the change that was refused
}

// Record is a record as it was read. A manager that finds none notes [Absent].
type Record struct {
	Key     string `json:"key"`
	Version int32  `json:"version"`
	Value   string `json:"value,omitempty"` // the digest of the value
}

// Found is the data of [Load] and of [Get], when they end.
type Found struct {
	Records []Record `json:"records"`
}

// Swept is the data of [Collect], when it ends.
type Swept struct {
	Values int `json:"values"` // of how many values the parts were deleted
}

// Digest stands for a value: how many bytes it has, and the beginning of its SHA-256.
func Digest(value []byte) string {
	sum := sha256.Sum256(value)
	return fmt.Sprintf("%d:%s", len(value), hex.EncodeToString(sum[:8]))
}

// Of is the data of an event; the zero value if it has none.
func Of[T any](e record.Event) T {
	data, _ := record.OwnData[T](e) // an event that has none says nothing
	return data
}
