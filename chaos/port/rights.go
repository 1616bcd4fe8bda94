package port

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Allowed says which rights this process lacks for faults of ports; nil if none.
func Allowed() error {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(status)) {
		text, ok := strings.CutPrefix(line, "CapEff:")
		if !ok {
			continue
		}
		has, err := strconv.ParseUint(strings.TrimSpace(text), 16, 64)
		if err != nil {
			return err
		}
		const wanted = 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW
		if has&wanted == wanted {
			return nil
		}
	}
	return fmt.Errorf("faults of connections and packets take root, or CAP_NET_ADMIN and CAP_NET_RAW, and user %d has not both", os.Geteuid())
}
