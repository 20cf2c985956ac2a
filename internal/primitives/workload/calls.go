package workload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/recipe/stm"
	"github.com/ringmaster-zk/ringmaster/recipe/value"
)

// add adds to the counter.
func (u *user) add(ctx context.Context, rng *rand.Rand, id string) bool {
	asked := history.Asked{Verb: history.Add, N: int64(rng.IntN(9)) - 3}
	c := u.begin(history.Sum, id, asked)
	ctx, cancel := limited(ctx)
	defer cancel()
	sum, err := u.values.Add(ctx, u.Namespace+history.Sum, asked.N)
	c.end(history.Told{Sum: sum}, err)
	return err == nil
}

// number takes a block of numbers.
func (u *user) number(ctx context.Context, rng *rand.Rand, id string) bool {
	asked := history.Asked{Verb: history.Block, N: int64(rng.IntN(5)) + 1}
	c := u.begin(history.Numbers, id, asked)
	ctx, cancel := limited(ctx)
	defer cancel()
	got, err := u.values.Block(ctx, u.Namespace+history.Numbers, asked.N)
	c.end(history.Told{First: got.First, Last: got.Last}, err)
	return err == nil
}

// change sets the value, in two of three turns only if it is as it was read.
func (u *user) change(ctx context.Context, rng *rand.Rand, id string) bool {
	ctx, cancel := limited(ctx)
	defer cancel()
	path, asked := u.Namespace+history.Mode, history.Asked{Verb: history.Set, Text: id}
	if rng.IntN(3) > 0 || u.drains() {
		now, err := u.values.Get(ctx, path)
		if err != nil {
			return false
		}
		asked.Verb, asked.Version = history.Swap, int32(now.Version)
	}
	c := u.begin(history.Mode, id, asked)
	var version value.Version
	var err error
	if asked.Verb == history.Swap {
		version, err = u.values.CompareAndSet(ctx, path, value.Version(asked.Version), []byte(asked.Text))
	} else {
		version, err = u.values.Set(ctx, path, []byte(asked.Text))
	}
	told := history.Told{Version: int32(version)}
	if errors.Is(err, value.ErrChanged) {
		told, err = history.Told{Refused: true}, nil
	}
	c.end(told, err)
	return err == nil
}

// The answers of a transaction that is done and changes nothing.
var (
	errPoor   = errors.New("the account is empty")
	errFunded = errors.New("the bank has its money")
)

// move funds the bank if it has no money, audits it, or moves a unit from one account to another. An
// account without money is deleted.
func (u *user) move(ctx context.Context, rng *rand.Rand, id string) bool {
	from := rng.IntN(len(history.Accounts))
	to := (from + 1 + rng.IntN(len(history.Accounts)-1)) % len(history.Accounts)
	asked := history.Asked{Verb: history.Transfer, From: history.Accounts[from], To: history.Accounts[to]}
	switch dice := rng.IntN(6); {
	case dice == 0:
		asked = history.Asked{Verb: history.Fund, N: history.Money}
	case dice < 3:
		asked = history.Asked{Verb: history.Audit}
	}
	drains := u.drains()
	if drains {
		asked = lastMoves[u.moves%len(lastMoves)]
	}
	c := u.begin(history.Bank, id, asked)
	ctx, cancel := limited(ctx)
	defer cancel()
	b := bank{root: u.Namespace + history.Bank}
	err := u.space.Do(ctx, func(tx *stm.Tx) error { return b.run(tx, asked) })
	told := history.Told{Seen: b.seen}
	if errors.Is(err, errPoor) || errors.Is(err, errFunded) {
		told.Refused, err = true, nil
	}
	c.end(told, err)
	if drains && err == nil {
		u.moves++
	}
	return err == nil
}

// lastMoves are those of a user that drains: all transactions of the load may have failed.
var lastMoves = []history.Asked{
	{Verb: history.Fund, N: history.Money}, {Verb: history.Transfer, From: history.Accounts[0], To: history.Accounts[1]}, {Verb: history.Audit},
}

// bank is one transaction.
type bank struct {
	root string
	seen map[string]int // what the last attempt has read
}

func (b *bank) run(tx *stm.Tx, asked history.Asked) error {
	b.seen = map[string]int{}
	which := []string{asked.From, asked.To}
	if asked.Verb != history.Transfer {
		which = history.Accounts
	}
	for _, account := range which {
		data, found, err := tx.Get(b.root + "/" + account)
		if err != nil {
			return err
		}
		if found {
			if b.seen[account], err = strconv.Atoi(string(data)); err != nil {
				return fmt.Errorf("the account %s: %w", account, err)
			}
		}
	}
	switch {
	case asked.Verb == history.Audit:
		return nil
	case asked.Verb == history.Fund:
		for _, amount := range b.seen {
			if amount > 0 {
				return errFunded
			}
		}
		return b.put(tx, history.Accounts[0], int(asked.N))
	case b.seen[asked.From] == 0:
		return errPoor
	}
	return errors.Join(b.put(tx, asked.From, b.seen[asked.From]-1), b.put(tx, asked.To, b.seen[asked.To]+1))
}

func (b *bank) put(tx *stm.Tx, account string, amount int) error {
	if amount == 0 {
		return tx.Delete(b.root + "/" + account)
	}
	return tx.Put(b.root+"/"+account, []byte(strconv.Itoa(amount)))
}
