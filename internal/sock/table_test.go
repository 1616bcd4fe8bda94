package sock

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

func TestReserveFDs(t *testing.T) {
	want := min(4000, ReservableFDs())
	ReserveFDs(want)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`FDSize:\s+(\d+)`).FindSubmatch(status)
	if m == nil {
		t.Fatal("/proc/self/status has no FDSize")
	}
	if got, _ := strconv.Atoi(string(m[1])); got < want {
		t.Errorf("the table holds %d descriptors, want %d", got, want)
	}
	if fds, err := os.ReadDir("/proc/self/fd"); err != nil || len(fds) > 100 {
		t.Errorf("%d descriptors stay open, %v", len(fds), err)
	}
	ReserveFDs(0)
	ReserveFDs(1 << 30) // more than may be open
}
