package testpeer

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// Refusing returns an address of the loopback that refuses connections until the
// test ends. Its port is held by a socket that does not listen: one that had only
// been free a moment ago could be given to the next listener.
func Refusing(t testing.TB) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	loopback := [4]byte{127, 0, 0, 1}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: loopback}); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := uint16(sa.(*unix.SockaddrInet4).Port)
	return netip.AddrPortFrom(netip.AddrFrom4(loopback), port).String()
}
