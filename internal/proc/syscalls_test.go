package proc

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCountSyscalls(t *testing.T) {
	c, err := CountSyscalls(os.Getpid())
	if err != nil {
		t.Skip("system calls cannot be counted here:", err)
	}
	defer c.Close()
	const calls = 10_000
	before, err := c.Count()
	if err != nil {
		t.Fatal(err)
	}
	for range calls {
		unix.Getppid()
	}
	after, err := c.Count()
	if err != nil {
		t.Fatal(err)
	}
	// The runtime's own threads add some.
	if n := after - before; n < calls || n > calls+calls/10 {
		t.Errorf("%d system calls counted, %d made", n, calls)
	}
}
