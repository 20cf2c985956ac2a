package wording

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTexts_Sentence(t *testing.T) {
	texts := Merge(Everywhere(), Texts{
		"gone": "{object} was given to {process} at {at|time} and is gone.", "made twice": "Request {id} made {count} locks: {" + Listed + "|list}.",
	})
	for want, f := range map[string]Finding{
		"lock-1 was given to client-1 at 1.500s and is gone.": {Code: "gone", Object: "lock-1", Args: Args{"process": "client-1", "at": 1500 * time.Millisecond}},
		"master-1 wrote in session 0x1 at 2.000s, and ZooKeeper accepted the write, although the session had ended. (The zxids are 0x10, then 0x11.)": {
			Code: SessionOver, Zxid: 17, Args: Args{"process": "master-1", "session": "0x1", "at": 2 * time.Second, "before": int64(16)}},
		"master-1 wrote in session 0x1 at 2.000s, and ZooKeeper accepted the write, although the session had ended.": {
			Code: SessionOver, Args: Args{"process": "master-1", "session": "0x1", "at": 2 * time.Second}},
		`Request "a" made 2 locks: t, u.`:               {Code: "made twice", Args: Args{"id": `"a"`, "count": 2, Listed: []string{"t", "u"}}},
		"a code of another program: t at=1 names=a\nb.": {Code: "a code of another program", Object: "t", Args: Args{"at": 1, "names": []string{"a", "b"}}},
	} {
		if got := texts.Sentence(f); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		data, err := json.Marshal(f)
		var again Finding
		if err == nil {
			err = json.Unmarshal(data, &again)
		}
		if got := texts.Sentence(again); err != nil || got != want {
			t.Errorf("read again: %s, %v", got, err)
		}
	}
}

// TestMerge_RefusesTwoSentences of one code, and takes the same one twice.
func TestMerge_RefusesTwoSentences(t *testing.T) {
	if all := Merge(Texts{"a": "x"}, Texts{"a": "x", "b": "y"}); len(all) != 2 {
		t.Errorf("merged is %v", all)
	}
	defer func() {
		if said := fmt.Sprint(recover()); !strings.Contains(said, `"a" has two sentences`) {
			t.Errorf("recovered %s", said)
		}
	}()
	Merge(Texts{"a": "x"}, Texts{"a": "y"})
	t.Error("two sentences were merged")
}
