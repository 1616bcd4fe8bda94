package reload

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The exchange is HAProxy's, in native byte order. The taker sends "_getsocks\n"
// on a stats socket. The giver answers with the number of descriptors (32 bits),
// then with messages of up to maxFDs descriptors in SCM_RIGHTS whose data
// describes them one after the other: length and name of the network namespace,
// length and name of the interface, 32 bits of zeroes. The taker confirms every
// message with 32 bits; the giver waits for that only after a full message.
const (
	request = "_getsocks\n"
	maxFDs  = 252
	// transferTimeout bounds every step of the exchange.
	transferTimeout = time.Second
	// Attempts at a peer that refuses, and the time between them.
	fetchAttempts = 5
	fetchPause    = 40 * time.Millisecond
)

// Listener is one listening socket to give away.
type Listener struct {
	FD        int
	Namespace string // network namespace, at most 255 bytes
	Interface string // bound to this interface
}

// Fetch takes the listening sockets of the process whose stats socket is at path
// ("expose-fd listeners"). The old process goes on using them until it is told
// to stop.
//
// Shortly after a reload the former process may still accept on the socket that
// it has handed over, and will refuse as it is stopping: then the next attempt
// reaches its successor.
func Fetch(path string) (ls *Listeners, err error) {
	for range fetchAttempts {
		ls, err = fetch(path)
		if ls != nil || !errors.Is(err, errRefused) {
			break
		}
		time.Sleep(fetchPause)
	}
	return ls, err
}

// errRefused: the peer closed the connection instead of answering.
var errRefused = errors.New("it refused; is \"expose-fd listeners\" set?")

func fetch(path string) (*Listeners, error) {
	conn, err := net.DialTimeout("unix", path, transferTimeout)
	if err != nil {
		if sys, ok := errors.AsType[*os.SyscallError](err); ok {
			err = sys.Err
		}
		return nil, fmt.Errorf("cannot connect to the old process at '%s': %w", path, err)
	}
	defer conn.Close()
	ls, err := FetchConn(conn.(*net.UnixConn))
	if err != nil {
		return nil, fmt.Errorf("no listening sockets from the old process at '%s': %w", path, err)
	}
	return ls, nil
}

// FetchConn is Fetch on a connection to the old process.
func FetchConn(conn *net.UnixConn) (*Listeners, error) {
	step := func() error { return conn.SetDeadline(time.Now().Add(transferTimeout)) }
	if err := step(); err != nil {
		return nil, err
	}
	if _, err := conn.Write([]byte(request)); err != nil {
		return nil, err
	}
	var count [4]byte
	// Not more than the count: what follows carries descriptors.
	n, err := conn.Read(count[:])
	if errors.Is(err, io.EOF) {
		return nil, errRefused
	}
	if err != nil || n != len(count) {
		return nil, fmt.Errorf("it did not say how many there are: %w", orShort(err))
	}
	want := int(int32(binary.NativeEndian.Uint32(count[:])))
	if want < 0 || want > 1<<20 {
		return nil, fmt.Errorf("implausible number of sockets %d", want)
	}
	ls := &Listeners{}
	data := make([]byte, maxFDs*(1+255+1+255+4))
	oob := make([]byte, unix.CmsgSpace(4*(maxFDs+1)))
	for got := 0; got < want; {
		if err := step(); err != nil {
			return nil, errors.Join(err, ls.Close())
		}
		n, oobn, flags, _, err := conn.ReadMsgUnix(data, oob)
		fds, perr := rights(oob[:oobn])
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			ls.add(fd)
		}
		got += len(fds)
		switch {
		case err != nil || n == 0:
			err = fmt.Errorf("%d of %d received: %w", got, want, orShort(err))
		case perr != nil:
			err = perr
		case flags&unix.MSG_CTRUNC != 0:
			err = errors.New("descriptors were lost on the way: too many open files?")
		case got > want:
			err = fmt.Errorf("%d sockets received where %d were announced", got, want)
		}
		if err != nil {
			return nil, errors.Join(err, ls.Close())
		}
		var ack [4]byte
		binary.NativeEndian.PutUint32(ack[:], uint32(got))
		// A giver that has sent everything may be gone already.
		if _, err := conn.Write(ack[:]); err != nil && got < want {
			return nil, errors.Join(err, ls.Close())
		}
	}
	return ls, nil
}

func orShort(err error) error {
	if err == nil {
		return errors.New("connection closed")
	}
	return err
}

// rights unpacks the descriptors of a control message.
func rights(oob []byte) ([]int, error) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("control message: %w", err)
	}
	var all []int
	for i := range msgs {
		if msgs[i].Header.Level != unix.SOL_SOCKET || msgs[i].Header.Type != unix.SCM_RIGHTS {
			continue
		}
		fds, err := unix.ParseUnixRights(&msgs[i])
		if err != nil {
			return all, fmt.Errorf("control message: %w", err)
		}
		all = append(all, fds...)
	}
	return all, nil
}

// Send answers "_getsocks" on conn: it passes the listeners to the process at
// the other end. They stay open here.
func Send(conn *net.UnixConn, ls []Listener) error {
	if err := conn.SetDeadline(time.Now().Add(transferTimeout)); err != nil {
		return err
	}
	defer func() { _ = conn.SetDeadline(time.Time{}) }()
	var count [4]byte
	binary.NativeEndian.PutUint32(count[:], uint32(len(ls)))
	if _, err := conn.Write(count[:]); err != nil {
		return fmt.Errorf("cannot send the number of sockets: %w", err)
	}
	for len(ls) > 0 {
		n := min(len(ls), maxFDs)
		if err := sendBatch(conn, ls[:n]); err != nil {
			return err
		}
		ls = ls[n:]
		if n == maxFDs {
			var ack [4]byte
			if _, err := conn.Read(ack[:]); err != nil {
				return fmt.Errorf("no confirmation of the sockets sent: %w", err)
			}
		}
	}
	return nil
}

func sendBatch(conn *net.UnixConn, ls []Listener) error {
	var data []byte
	fds := make([]int, len(ls))
	for i, l := range ls {
		fds[i] = l.FD
		if len(l.Namespace) > 255 || len(l.Interface) > 255 {
			return fmt.Errorf("name of namespace or interface too long: %q, %q", l.Namespace, l.Interface)
		}
		data = append(data, byte(len(l.Namespace)))
		data = append(data, l.Namespace...)
		data = append(data, byte(len(l.Interface)))
		data = append(data, l.Interface...)
		data = append(data, 0, 0, 0, 0)
	}
	n, _, err := conn.WriteMsgUnix(data, unix.UnixRights(fds...), nil)
	if err != nil {
		return fmt.Errorf("cannot send the sockets: %w", err)
	}
	if n != len(data) {
		return fmt.Errorf("cannot send the sockets: %d of %d bytes written", n, len(data))
	}
	return nil
}
