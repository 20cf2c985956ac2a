package claims

import (
	"context"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
)

// LiftedAtOnce is how many steps one multi lifts a version.
const LiftedAtOnce = 200

// Lift raises the version of a znode by writing it again and again, many times in
// one write. Each write is fenced by the version before it, so that many processes
// may lift at the same time. Repeating it is harmless.
func Lift(ctx context.Context, session fence.Session, path string, data []byte, from, to int32) (int32, error) {
	for from < to {
		n := min(int(to-from), LiftedAtOnce)
		if err := session.Lift(ctx, path, data, from, n); err != nil {
			return from, err
		}
		from += int32(n)
	}
	return from, nil
}

// LiftRecord is the data of a znode that a process lifts.
func LiftRecord(holder string, to int32) []byte {
	return Encode(struct {
		Holder string `json:"holder"`
		Lifts  int32  `json:"lifts_to"`
	}{holder, to})
}
