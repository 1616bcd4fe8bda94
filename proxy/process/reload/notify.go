package reload

import (
	"fmt"
	"net"
	"strings"
)

// Notify tells the service manager listening at address ($NOTIFY_SOCKET) about
// this process, one NAME=VALUE per line as in sd_notify(3). An empty address
// means there is none.
func Notify(address string, lines ...string) error {
	if address == "" {
		return nil
	}
	name := address
	if strings.HasPrefix(name, "@") {
		name = "\x00" + name[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("cannot reach the service manager at %q: %w", address, err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte(strings.Join(lines, "\n"))); err != nil {
		return fmt.Errorf("cannot notify the service manager at %q: %w", address, err)
	}
	return nil
}
