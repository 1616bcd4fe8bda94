package sidebyside

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Machine says what the figures were taken on: processors, kernel, and the
// versions of Go and of the programs compared with, as far as they are there.
func Machine(ctx context.Context) []string {
	all := []string{fmt.Sprintf("%d processors", runtime.NumCPU())}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		all = append(all, "Linux "+strings.TrimSpace(string(release)))
	}
	all = append(all, strings.Replace(runtime.Version(), "go", "Go ", 1))
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for _, program := range []string{"haproxy", "nginx", "wrk", "redis-server"} {
		// wrk ends with status 1 after it printed its version.
		out, _ := exec.CommandContext(ctx, program, "-v").CombinedOutput()
		if v := version(program, string(out)); v != "" {
			all = append(all, program+" "+v)
		}
	}
	return all
}

// version finds in the first line a program prints about itself what follows
// its name: a word with digits and dots.
func version(program, text string) string {
	line, _, _ := strings.Cut(text, "\n")
	for word := range strings.FieldsSeq(strings.NewReplacer("/", " ", "[", " ", "=", " ").Replace(line)) {
		if word != program && strings.ContainsAny(word, "0123456789") && strings.Contains(word, ".") {
			return word
		}
	}
	return ""
}
