package recipe

import (
	"errors"
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestSettled_KnowsWhatMustBeReadAgain: a refusal beside a lost answer does not hide that
// everything must be read again, and a quarantine beside a refusal lets the next pass follow at once.
func TestSettled_KnowsWhatMustBeReadAgain(t *testing.T) {
	lost := &zkapi.Error{Fate: zkapi.Unknown, Err: zkapi.ErrConnectionLoss}
	for _, row := range []struct {
		says string
		errs []error
		want error
		not  error
	}{
		{"a refusal alone", []error{nil, errOutdated}, errOutdated, errQuarantined},
		{"a lost answer beside it", []error{errOutdated, lost}, lost, errOutdated},
		{"a quarantine beside it", []error{errOutdated, errQuarantined}, errQuarantined, errOutdated},
		{"a server that refuses, beside it", []error{errOutdated, errRefusing}, errRefusing, errOutdated},
	} {
		if got := settled(row.errs); !errors.Is(got, row.want) || errors.Is(got, row.not) {
			t.Errorf("%s: %v", row.says, got)
		}
	}
}
