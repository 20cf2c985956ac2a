// Package claims takes claims: the right to write that is the version of a znode, beside an
// ephemeral that shows that the holder is there. An election is such a claim, and so is the
// registration of a worker under its name.
package claims

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Record is what the data of every claim's znode says: it names the holder of the claim. The
// nonce shows whether an ambiguous write was the process's own.
type Record struct {
	Holder  string `json:"holder"`
	Session string `json:"session"`
	Nonce   string `json:"nonce"`
}

// NewRecord is the record of a claim that this session takes now.
func NewRecord(env zkapi.Env, session fence.Session, holder string) Record {
	return Record{Holder: holder, Session: SessionText(session.ID()), Nonce: env.Unique()}
}

// SessionText is a session's id as a Record has it.
func SessionText(id int64) string { return fmt.Sprintf("0x%x", id) }

// Encode is the JSON of a record.
func Encode(record any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(record); err != nil {
		panic(fmt.Sprintf("recipe: a record that cannot be encoded: %v", err)) // records hold only plain fields
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Registration describes the znodes of one claim.
type Registration struct {
	Ephemeral zkapi.Op // makes the znode that shows that the holder is there
	Path      string   // of the claim's znode
	Above     int32    // the version that the claim's znode must have before, at least
	// Record makes the data of the claim's znode from what it was before. The nonce is in it.
	Record func(before []byte) (data []byte, nonce string)
	// Check returns why the claim's znode cannot be used.
	Check func(zkapi.Stat) error
}

// Acquire makes one attempt to acquire a claim. One multi creates the ephemeral of the holder
// and raises the claim's version, so that neither happens without the other. It returns the
// claim; or zkapi.ErrNodeExists if another process holds it; or zkapi.ErrBadVersion if
// another process was faster; or the error of Check.
//
// An unknown outcome is resolved by Resolve.
func Acquire(ctx context.Context, env zkapi.Env, session fence.Session, obs observe.Observer, p Registration) (term.Claim, error) {
	now, err := session.Do(ctx, fence.Get(p.Path))
	if err != nil {
		return term.Claim{}, err
	}
	if err := p.Check(now.Stat); err != nil {
		return term.Claim{}, err
	}
	record, nonce := p.Record(now.Data)
	if now.Stat.Version < p.Above {
		return term.Claim{}, fmt.Errorf("%w: %s has version %d, and must be raised to %d first", epoch.ErrWentBack, p.Path, now.Stat.Version, p.Above)
	}
	result, err := session.Take(ctx, p.Ephemeral, p.Path, record, now.Stat.Version)
	switch zkapi.FateOf(err) {
	case zkapi.Applied:
		return term.Claim{Session: session, Path: p.Path, Version: result.Results[1].Stat.Version}, nil
	case zkapi.NotApplied:
		return term.Claim{}, err
	}
	version, err := Resolve(ctx, env, session, obs, p.Path, nonce, err)
	if zkapi.FateOf(err) != zkapi.Unknown {
		obs.Metrics.Unknown("claim", zkapi.FateOf(err))
	}
	return term.Claim{Session: session, Path: p.Path, Version: version}, err
}

// Resolve resolves a write of a claim whose answer was lost, for cause: after a
// sync, on the same session, the claim's data carries our nonce if it was applied.
// It returns the claim's version then, and zkapi.ErrBadVersion otherwise.
func Resolve(ctx context.Context, env zkapi.Env, session fence.Session, obs observe.Observer, path, nonce string, cause error) (int32, error) {
	again := retry.New(env, obs, "look at a claim")
	for {
		zkapi.Checkpoint(env, "reread", session, nonce, cause)
		_, syncErr := session.Do(ctx, fence.Sync(path))
		held, getErr := session.Do(ctx, fence.Get(path))
		gone := errors.Is(getErr, zkapi.ErrNoNode) // its znode was removed, so the write was refused
		if syncErr == nil && (getErr == nil || gone) {
			again.Worked(ctx)
			var found Record
			if json.Unmarshal(held.Data, &found) == nil && found.Nonce == nonce {
				return held.Stat.Version, nil
			}
			return 0, &zkapi.Error{
				Kind: zkapi.KindMulti, Path: path, Index: -1, Fate: zkapi.NotApplied, Err: fmt.Errorf("%w: %v", zkapi.ErrBadVersion, cause),
			}
		}
		err := errors.Join(syncErr, getErr)
		if zkapi.Permanent(err) { // whether it was applied is as unknown as before
			return 0, &zkapi.Error{Kind: zkapi.KindMulti, Path: path, Index: -1, Fate: zkapi.Unknown, Err: err}
		}
		if err := again.Wait(ctx, session, err); err != nil {
			return 0, err
		}
	}
}
