package process

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"bench/internal/sock"
	"bench/proxy/cli"
)

// Between a master and each of its workers there is a pair of sockets that keep
// messages apart. The worker says readyMark once; the master passes connections
// to the runtime API, one descriptor in a message of one byte, what may be done there.

// modeExpert and modeExperimental are modes beside the level in that byte.
const (
	levelMask        = 0x0f
	modeExpert       = 0x10
	modeExperimental = 0x20
)

// controlPair makes the pair: the master's end as a connection, the worker's as
// a descriptor.
func controlPair() (*net.UnixConn, int, error) {
	return socketPair(unix.SOCK_SEQPACKET)
}

func socketPair(typ int) (*net.UnixConn, int, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("socketpair: %w", err)
	}
	conn, err := unixConn(pair[0], "pair")
	if err != nil {
		unix.Close(pair[1])
		return nil, 0, err
	}
	return conn, pair[1], nil
}

// unixConn turns a descriptor, which it takes over, into a connection.
func unixConn(fd int, name string) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	conn, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%s: not a unix socket", name), c.Close())
	}
	return conn, nil
}

// descriptor duplicates the descriptor of a connection.
func descriptor(c *net.UnixConn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	dup, derr := 0, error(nil)
	if err := raw.Control(func(fd uintptr) { dup, derr = sock.Dup(int(fd)) }); err != nil {
		return 0, err
	}
	return dup, derr
}

// openCLI opens a connection to the runtime API of the worker behind control.
func openCLI(control *net.UnixConn, a cli.Access) (*net.UnixConn, error) {
	conn, other, err := socketPair(unix.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	defer unix.Close(other)
	may := byte(a.Level)
	if a.Expert {
		may |= modeExpert
	}
	if a.Experimental {
		may |= modeExperimental
	}
	if _, _, err := control.WriteMsgUnix([]byte{may}, unix.UnixRights(other), nil); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// receiveConn is the worker's side of openCLI.
func receiveConn(master *net.UnixConn) (a cli.Access, conn *net.UnixConn, err error) {
	var data [1]byte
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := master.ReadMsgUnix(data[:], oob)
	if err != nil {
		return a, nil, err
	}
	if n == 0 {
		return a, nil, net.ErrClosed
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(msgs) != 1 {
		return a, nil, fmt.Errorf("message from the master without a connection: %w", err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		return a, nil, fmt.Errorf("message from the master without a connection: %w", err)
	}
	unix.CloseOnExec(fds[0])
	conn, err = unixConn(fds[0], "runtime API")
	return cli.Access{Level: cli.Level(data[0] & levelMask), ExposeFDs: true, Expert: data[0]&modeExpert != 0, Experimental: data[0]&modeExperimental != 0}, conn, err
}
