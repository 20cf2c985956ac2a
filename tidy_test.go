package ringmaster

import (
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/mutants"
)

const module = "github.com/ringmaster-zk/ringmaster/"

// rooms is the whole architecture: what each room may import, of ours by its
// path, of others by the beginning of theirs. A room that is not listed may not
// exist. Test files may import what they like.
var rooms = map[string][]string{
	"zkapi":                          {},
	"zkclient":                       {"zkapi", "internal/clock", "internal/jute", "github.com/go-zookeeper/zk", "golang.org/x/sys/unix"},
	"recipe":                         {"zkapi", "recipe/internal/decide", "recipe/internal/fence"},
	"recipe/internal/decide":         {}, // pure: the port and a clock are elsewhere
	"recipe/internal/fence":          {"zkapi"},
	"record":                         {},
	"record/recordtest":              {"record"},
	"model/zk":                       {"zkapi"},
	"model/explore":                  {"zkapi", "model/zk"},
	"internal/worlds":                {"zkapi", "model/zk", "model/explore", "recipe", "subject"},
	"internal/masterworker/world":    {"zkapi", "model/zk", "model/explore", "recipe", "subject", "internal/worlds"},
	"internal/election/world":        {"zkapi", "model/zk", "model/explore", "recipe", "subject", "internal/worlds"},
	"internal/exploration":           {"checker", "checker/report", "model/explore", "record", "subject"},
	"nemesis":                        {"record", "zkapi"},
	"internal/masterworker/protocol": {"record"},
	"checker/wording":                {"record"},
	"checker/wording/wordingtest":    {"checker/wording"},
	"checker":                        {"record", "checker/wording", "internal/exit", "internal/parallel", "github.com/anishathalye/porcupine"},
	"internal/leadership":            {"record", "checker", "checker/wording", "github.com/anishathalye/porcupine"},
	"internal/masterworker/judge":    {"record", "checker", "checker/wording", "internal/leadership", "internal/masterworker/protocol", "internal/parallel", "github.com/anishathalye/porcupine"},
	"internal/parallel":              {},
	"checker/explain/shrink":         {"record", "checker", "checker/wording", "internal/ddmin"},
	"internal/ddmin":                 {},
	"checker/explain":                {"record", "checker", "checker/wording"}, // for the names of what is violated
	"checker/report":                 {"record", "checker", "checker/explain", "checker/wording"},
	"checker/judge":                  {"record", "checker", "checker/explain", "checker/explain/shrink", "checker/report"},
	"internal/campaign":              {"checker", "record", "internal/ddmin", "internal/exit", "nemesis"},
	"internal/mutants":               {"checker", "record", "internal/exit", "internal/owner", "nemesis", "internal/campaign", "go.yaml.in/yaml"}, // reads verdicts and faults of programs that it builds; of the accused it has the text only
	"internal/recorder":              {"record", "zkapi"},
	"internal/participant":           {"internal/recorder", "subject", "zkapi", "zkclient", "record", "internal/clock"},
	"internal/harness":               {"internal/recorder", "subject", "record", "nemesis", "internal/participant", "zkapi", "zkclient", "model/zk", "internal/virtualtime", "internal/clock", "internal/ensemble", "internal/exit", "internal/owner", "internal/txnlog", "internal/wire"},
	"internal/virtualtime":           {"internal/exit"},
	"internal/clock":                 {"golang.org/x/sys/unix"},
	"internal/ensemble":              {"zkapi", "internal/clock", "internal/owner", "internal/wire", "github.com/testcontainers/testcontainers-go", "github.com/moby/moby", "github.com/containerd/errdefs"},
	"internal/ensemble/ensembletest": {"internal/ensemble"},
	"internal/exit":                  {},
	"internal/owner":                 {},
	"internal/tlc":                   {},
	"internal/jute":                  {},
	"internal/txnlog":                {"internal/jute"}, // a reader of files; whose they are, it must not know
	"spec/agree":                     {"internal/tlc", "model/explore", "internal/masterworker/world", "model/zk", "zkapi"},
	"spec/tla":                       {},
	"internal/integration":           {},
	"recipe/metrics":                 {"recipe", "zkapi", "github.com/prometheus/client_golang"},
	"internal/shell":                 {"recipe", "golang.org/x/sys/unix"},
	"internal/usage":                 {"internal/exit", "github.com/spf13/cobra", "github.com/spf13/pflag"},
	"internal/wire":                  {"zkapi", "internal/jute"},
	"internal/candidate":             {"subject", "record", "nemesis", "recipe", "zkapi"},
