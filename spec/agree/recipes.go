package agree

import (
	"github.com/ringmaster-zk/ringmaster/internal/tlc"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// What the modules over Ensemble.tla have in common.

// modes are the names of the modes of a create.
var modes = map[zkapi.Mode]string{
	zkapi.Persistent: "persistent", zkapi.Ephemeral: "ephemeral", zkapi.PersistentSequential: "persistent sequential", zkapi.EphemeralSequential: "ephemeral sequential",
}

// ensembleLens reads states of a recipe whose module extends Ensemble.tla. content is the data of a
// znode, and told is what a program of the explorer claims.
func ensembleLens(content func(path string, data []byte) tlc.Value, told func(notes map[string]string) tlc.Value, hidden ...string) lens {
	return lens{
		leaves: true, hidden: hidden, content: content,
		part: func(op zkapi.Op) tlc.Value {
			return tlc.Record(map[string]tlc.Value{
				"op": kind(op), "path": path(op.Path), "version": version(op), "data": content(op.Path, op.Data), "mode": tlc.Str(modes[op.Mode]), "watch": tlc.Bool(op.Watch),
			})
		},
		notes: func(p explore.ProcessPicture) tlc.Value {
			return tlc.Record(map[string]tlc.Value{"acts": acting(p), "told": told(p.Notes)})
		},
		claimed: func(local tlc.Value) tlc.Value {
			return tlc.Record(map[string]tlc.Value{"acts": local.Field("acts"), "told": local.Field("told")})
		},
	}
}
