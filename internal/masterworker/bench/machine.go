package bench

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine describes the machine in a few words.
func machine() string {
	words := []string{fmt.Sprintf("%d cores", runtime.NumCPU())}
	about, _ := os.ReadFile("/proc/cpuinfo")
	for _, line := range strings.Split(string(about), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			words = append(words, strings.TrimSpace(value))
			break
		}
	}
	return strings.Join(append(words, runtime.Version()), ", ")
}
