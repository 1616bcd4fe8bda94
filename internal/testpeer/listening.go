package testpeer

import (
	"net"
	"testing"
	"time"
)

// Listening waits until somebody takes connections at the path of a unix socket: on a busy
// machine a program needs seconds to begin.
func Listening(t testing.TB, path string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("unix", path)
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}
