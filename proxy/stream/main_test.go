package stream_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"bench/internal/poison"
	"bench/internal/poller"
)

// pollerName is what streams run on.
var pollerName = flag.String("poller", "", "poller of the streams; the best, then io_uring, if not given")

// TestMain runs every test once more on io_uring, which receives before it is asked:
// the other style of I/O that streams must be at home in.
func TestMain(m *testing.M) {
	poison.Enable()
	code := m.Run()
	bench := flag.Lookup("test.bench").Value.String()
	if code == 0 && *pollerName == "" && bench == "" && ringWorks() {
		*pollerName = "io_uring"
		if code = m.Run(); code != 0 {
			fmt.Println("failed on io_uring")
		}
	}
	os.Exit(code)
}

func ringWorks() bool {
	p, err := poller.New("io_uring", 64)
	if err != nil {
		return false
	}
	p.Close()
	return true
}
