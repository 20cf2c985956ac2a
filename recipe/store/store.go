package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The errors of this package. Of every error of Apply, zkapi.FateOf says whether the changes were
// applied.
var (
	// ErrFenced means that the store has been opened again with a greater epoch, or that the Writer
	// has lost its claim. This Store writes no more. The write that has this error was not applied.
	ErrFenced = term.ErrFenced
	// ErrInDoubt means that it is not known whether the changes were applied: the answer was lost, and
	// ctx, the Writer's claim or the epoch ended before it could be found out. All of them were
	// applied, or none. Load of the next active tells.
	ErrInDoubt = once.ErrInDoubt
	// ErrChanged means that a record has another version than Change.If says. Nothing was applied.
	ErrChanged = errors.New("the record has another version")
	// ErrAbsent means that there is no such record. Nothing was applied.
	ErrAbsent = errors.New("there is no such record")
	// ErrNoParent means that the record above is missing. Nothing was applied.
	ErrNoParent = errors.New("the record above is missing")
	// ErrNotEmpty means that there are records below the one to be deleted. Nothing was applied.
	ErrNotEmpty = errors.New("there are records below")
	// ErrNewer means that the store has a newer format than this build knows, or one that it cannot
	// read. Use a newer build.
	ErrNewer = fmt.Errorf("%w for the format of the store", zkapi.ErrIncompatible)
	// ErrDamaged means that a value is not as it was written: a part is missing or another one, or a
	// file has a wrong checksum. No repetition cures it.
	ErrDamaged = errors.New("the store is damaged")
	// ErrInvalid means that an argument is wrong. Nothing was sent.
	ErrInvalid = input.ErrInvalid
	// ErrClosed is the error of every method after Close.
	ErrClosed = process.ErrClosed
)

const recipe = "store"

// Version is the version of a record. It is 0 when the record is made, and grows by 1 with each write.
// It begins at 0 again when the record is deleted and made again.
type Version int32

// The versions that no record has.
const (
	// Absent is the version of a record that does not exist.
	Absent Version = -1
	// Any is the version of a Change that is applied whatever the record is.
	Any Version = -2
)

// Record is one record as it was read.
type Record struct {
	// Key is the name of a Type and one or more ids, such as apps/application_1/attempt_1.
	Key     string
	Data    []byte
	Version Version
}

// Change is one change of one record. Make it with Create, Put or Delete.
type Change struct {
	Key    string
	Data   []byte
	If     Version // the version that the record must have
	Delete bool
}

// Create makes a record that does not exist yet.
func Create(key string, data []byte) Change { return Change{Key: key, Data: data, If: Absent} }

// Put replaces the data of a record that has that version. With Any it makes the record if there is
// none, and with Absent it is Create.
func Put(key string, data []byte, version Version) Change {
	return Change{Key: key, Data: data, If: version}
}

// Delete deletes a record that has that version, or Any. There must be no records below it.
func Delete(key string, version Version) Change {
	return Change{Key: key, If: version, Delete: true}
}

// Store is what all implementations have: the records of one active process. The methods may be called
// concurrently. Writes and reads of one Store are linearizable.
type Store interface {
	// Epoch is that with which this Store was opened. It is greater than the epochs of all Stores that
	// were opened before on the same records.
	Epoch() int32
	// Apply applies all changes in their order, or none. It returns the versions that the records have
	// then; Absent for one that is deleted. No two changes may have the same key. Changes of a Type
	// that is rebuilt are left out, and their version is Absent.
	//
	// For every error zkapi.FateOf is zkapi.NotApplied, or zkapi.Unknown with ErrInDoubt, and
	// zkapi.FailedIndex is the change that was refused, or -1.
	Apply(ctx context.Context, changes ...Change) ([]Version, error)
	// Get returns a record; ErrAbsent if there is none. ErrFenced means that another Store has been
	// opened: what was read may be old.
	Get(ctx context.Context, key string) (Record, error)
	// Load returns all records of some types, or of all, sorted by their keys. It has everything that
	// was applied before this Store was opened. Changes of this Store that are applied during the call
	// may be in it or not.
	Load(ctx context.Context, types ...string) ([]Record, error)
	// Close ends what the Store has open. The Writer is the caller's.
	Close(ctx context.Context) error
}

// Writer writes under a claim. election.Leadership, lock.Held and standby.Active are Writers. All writes
// of one Writer go by one session, in the order of the calls.
type Writer interface {
	// Write applies all of ops, or none, and only while the claim lasts. The results and
	// zkapi.FailedIndex count ops. zkapi.FateOf(err) must be true.
	Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error)
}

// refusal is the error of changes of which none was applied, because of the one at an index, or -1.
func refusal(key string, index int, err error) error {
	return &zkapi.Error{Kind: zkapi.KindMulti, Path: key, Index: index, Fate: zkapi.NotApplied, Err: err}
}

// Refusal is that error, for other implementations of Store.
func Refusal(key string, index int, err error) error { return refusal(key, index, err) }

// InDoubt is the error of changes whose fate is not known, for other implementations of Store.
func InDoubt(key string, err error) error { return inDoubt(key, err) }

// inDoubt is that error.
func inDoubt(key string, err error) error {
	return &zkapi.Error{Kind: zkapi.KindMulti, Path: key, Index: -1, Fate: zkapi.Unknown, Err: fmt.Errorf("%w: %w", ErrInDoubt, err)}
}

func invalid(format string, args ...any) error { return input.Invalid(recipe, format, args...) }
