package integration

import (
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

// ask sends one of the commands of four letters.
func ask(address, word string) (string, error) {
	conn, err := net.DialTimeout("tcp", address, rawWait)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(rawWait))
	if _, err := conn.Write([]byte(word)); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

// say is ask where there is an answer.
func say(t *testing.T, address, word string) string {
	t.Helper()
	answer, err := ask(address, word)
	if err != nil {
		t.Fatalf("%s: %v", word, err)
	}
	return answer
}

// sameWords compares the answers of fresh servers to commands of four letters. Versions,
// addresses and what serve does not count may differ; of long lists it may have a part.
func sameWords(t *testing.T, ours, real string) {
	value := regexp.MustCompile(`version: .*|0x[0-9a-f]+|/[0-9.:]+\[|(Latency|Received|Sent|recved|sent).*`)
	for _, word := range []string{"ruok", "isro", "srvr", "stat"} {
		got, want := value.ReplaceAllString(say(t, ours, word), "N"), value.ReplaceAllString(say(t, real, word), "N")
		if got != want {
			t.Errorf("%s: serve says\n%q\nZooKeeper\n%q", word, got, want)
		}
	}
	key := regexp.MustCompile(`(?m)^[^=\t]+([=\t]|:$)`)
	for _, word := range []string{"mntr", "envi", "conf"} {
		got, want := key.FindAllString(say(t, ours, word), -1), say(t, real, word)
		if len(got) < 4 {
			t.Errorf("%s: %q", word, got)
		}
		for _, k := range got {
			if !strings.HasPrefix(want, k) && !strings.Contains(want, "\n"+k) {
				t.Errorf("%s: ZooKeeper has no %q", word, k)
			}
		}
	}
}
