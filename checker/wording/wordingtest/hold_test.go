package wordingtest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
)

// TestHold_SeesEachProblem plants a code without a sentence, a sentence without a code, a
// code that no judge uses, and a finding that lacks an argument.
func TestHold_SeesEachProblem(t *testing.T) {
	folder := t.TempDir()
	source := "package p\n" +
		"const (\n\tLost wording.Code = \"lost\"\n\tMute wording.Code = \"mute\"\n\tIdle wording.Code = \"idle\"\n)\n" +
		"var texts = wording.Texts{Lost: \"x\", Idle: \"x\"}\n" +
		"var a = wording.Finding{Code: Lost, Object: \"o\", Args: wording.Args{\"at\": 1}}\n" +
		"var b = wording.Finding{Code: Mute}\n"
	if err := os.WriteFile(filepath.Join(folder, "p.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	texts := wording.Texts{"lost": "{object} at {at|time} by {process}[, {zxid|hex}].", "idle": "x", "strange": "x"}
	want := []string{"Idle is in no finding", "Mute has no sentence", "a finding lost does not give process", "the sentence of strange is of no code that is defined"}
	if got := problems(t, texts, []string{folder}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
