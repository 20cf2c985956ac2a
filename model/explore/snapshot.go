package explore

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// snapshot returns all state that the future of the process depends on, or false if a thread
// is at no checkpoint (zkapi.Checkpoint). Two machines of one process with the same
// snapshot behave the same from here on.
//
// The declared state is followed through every pointer, so a new field of a struct is part of
// the snapshot without further code. The local variables of a thread cannot be followed, so
// they must not matter at such a place. A test compares the state space with and without
// snapshots.
func (m *machine) snapshot() ([]byte, bool) {
	e := &encoder{machine: m, seen: map[pointee]int{}}
	e.number(int64(m.life))
	e.number(int64(m.names))
	e.number(int64(m.clock.Sub(origin))) // a program may store the time
	e.number(int64(len(m.threads)))
	for _, t := range m.threads {
		if t.label == "" {
			return nil, false
		}
		e.text(t.name)
		e.text(t.label)
		e.context(t.ctx)
		e.number(int64(len(t.sources)))
		for _, s := range t.sources {
			e.source(s)
		}
		e.number(int64(slices.Index(m.requests, t.request)))
		e.flown(t.flight)
		e.got(t)
		for _, v := range slices.Concat(t.state, t.kept) {
			e.value(reflect.ValueOf(v))
		}
	}
	for _, r := range m.requests {
		e.request(r)
	}
	for _, key := range slices.Sorted(maps.Keys(m.notes)) {
		e.text(key)
		e.text(m.notes[key])
	}
	e.source(m.leave)
	e.text(fmt.Sprint(m.failure))
	return e.out, true
}

// encoder writes values so that different ones differ.
type encoder struct {
	machine *machine
	out     []byte
	seen    map[pointee]int // what has been followed, in order
}

func (e *encoder) number(n int64) { e.out = binary.AppendVarint(e.out, n) }

func (e *encoder) text(s string) {
	e.out = binary.AppendUvarint(e.out, uint64(len(s)))
	e.out = append(e.out, s...)
}

func (e *encoder) request(r *request) {
	e.number(int64(r.kind))
	if r.session != nil {
		e.number(int64(r.session.number))
	}
	e.text(fmt.Sprint(r.op, r.act))
	if r.cursor != 0 {
		e.cursor(r.cursor)
	}
}

// source writes the event that makes a source fire, and whether it has fired.
func (e *encoder) source(s *source) {
	if s == nil {
		e.number(-1)
		return
	}
	if s.Fired() {
		e.number(0)
		if s.kind == signalSource {
			e.number(1)
		}
		return
	}
	e.number(int64(s.kind))
	switch s.kind {
	case watchSource:
		e.text(s.watch.Path)
		e.number(int64(s.watch.Table))
	case timerSource:
		e.number(int64(s.due.Sub(e.machine.clock)))
	}
}

func (e *encoder) session(s *session) {
	e.number(int64(s.number))
	e.number(int64(s.change)) // a program may remember it
	if s.cause != nil {
		e.text(s.cause.Error())
	}
}

func (e *encoder) context(ctx context.Context) {
	if ctx == nil || ctx.Err() == nil {
		e.number(0)
		return
	}
	e.number(1)
	e.text(context.Cause(ctx).Error())
}

// special writes values that are more, or less, than their fields.
func (e *encoder) special(v reflect.Value) bool {
	if v.Type() == reflect.TypeFor[sync.Mutex]() {
		free(addressable(v).Addr().Interface().(*sync.Mutex))
		return true
	}
	switch x := v.Interface().(type) {
	case *source:
		e.source(x)
	case *session:
		e.session(x)
	case context.Context:
		e.context(x)
	case time.Time:
		if x.IsZero() {
			e.number(0)
		} else {
			e.number(int64(x.Sub(e.machine.clock)) + 1)
		}
	case error:
		e.text(x.Error())
	case *slog.Logger, zkapi.Env, zkapi.Derived:
	default:
		return false
	}
	return true
}

// free makes sure that a lock is free while all threads wait. A thread that waits and holds a
// lock would stop each other thread that wants it, and the explorer knows no such wait.
func free(lock *sync.Mutex) {
	if !lock.TryLock() {
		defective("a thread waits and holds a lock: give the lock back before each call of the port")
	}
	lock.Unlock()
}

// value follows v, and ends where it has been before.
func (e *encoder) value(v reflect.Value) {
	if !v.IsValid() {
		e.number(0)
		return
	}
	v = readable(v)
	if v.Kind() == reflect.Interface {
		if v.IsNil() {
			e.number(0)
			return
		}
		v = v.Elem()
		e.text(v.Type().String())
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		e.number(0)
		return
	}
	if e.special(v) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		e.pointer(v)
	case reflect.Struct:
		v = addressable(v)
		for i := range v.NumField() {
			e.value(v.Field(i))
		}
	case reflect.Map:
		e.mapping(v)
	case reflect.Slice, reflect.Array:
		e.list(v)
	case reflect.Func, reflect.Chan:
		e.boolean(v.IsNil())
	default:
		e.scalar(v)
	}
}

func (e *encoder) boolean(b bool) {
	if b {
		e.number(1)
	} else {
		e.number(0)
	}
}

// pointee is a value by its place and its type: a struct is where its first field is.
type pointee struct {
	at unsafe.Pointer
	of reflect.Type
}

func (e *encoder) pointer(v reflect.Value) {
	at := pointee{v.UnsafePointer(), v.Type()}
	if order, seen := e.seen[at]; seen {
		e.number(int64(-1 - order))
		return
	}
	e.seen[at] = len(e.seen)
	e.value(v.Elem())
}

func (e *encoder) list(v reflect.Value) {
	e.number(int64(v.Len()))
	if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
		e.out = append(e.out, v.Bytes()...)
		return
	}
	if v.Kind() == reflect.Array {
		v = addressable(v)
	}
	for i := range v.Len() {
		e.value(v.Index(i))
	}
}

// mapping writes a map in the order of its keys, which must be plain.
func (e *encoder) mapping(v reflect.Value) {
	e.number(int64(v.Len()))
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for _, key := range keys {
		e.text(fmt.Sprint(key))
		e.value(v.MapIndex(key))
	}
}

func (e *encoder) scalar(v reflect.Value) {
	switch {
	case v.CanInt() && v.Int() > firstCursor && v.Int() <= firstCursor+e.machine.cursors:
		e.cursor(v.Int())
	case v.CanInt():
		e.number(v.Int())
	case v.CanUint():
		e.number(int64(v.Uint()))
	case v.Kind() == reflect.Bool:
		e.boolean(v.Bool())
	case v.Kind() == reflect.String:
		e.text(v.String())
	default:
		defective("a snapshot cannot hold a %v", v.Type())
	}
}

// readable makes the value of an unexported field readable. The contents of a readable map or
// interface are readable, too.
func readable(v reflect.Value) reflect.Value {
	if !v.CanInterface() {
		v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	}
	return v
}

// addressable is v, or a copy of it whose fields have addresses.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	copied := reflect.New(v.Type()).Elem()
	copied.Set(v)
	return copied
}
