// Package capture writes what passes interfaces to a pcapng file, which Wireshark
// and tcpdump read: evidence of what a fault did. Judging it may not enter.
package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"golang.org/x/sys/unix"

	"bench/netns"
)

// Config says what is captured.
type Config struct {
	// Namespace is the path of the interfaces' network namespace; "" is that of
	// the calling thread.
	Namespace  string
	Interfaces []string
	// SnapLength is how much is kept of each packet; 0 is 256 bytes, which holds
	// all headers.
	SnapLength int
	// Limit bounds the file, in bytes; 0 is 64 MiB. What comes then is counted
	// only.
	Limit int64
	// Comment goes into the file, for whoever opens it.
	Comment string
}

const (
	defaultSnap  = 256
	defaultLimit = 64 << 20
)

// Counts is what a capture has seen.
type Counts struct {
	Written uint64 `json:"written"`
	Left    uint64 `json:"left"` // beyond the limit, or lost by the kernel
}

// Capture is a capture at work.
type Capture struct {
	stop   atomic.Bool
	done   chan struct{}
	counts Counts
	err    error
}

// tap is the socket of an interface.
type tap struct {
	fd    int
	index int // in the file
}

// Start begins to capture into w. Close ends it.
func Start(w io.Writer, c Config) (*Capture, error) {
	if c.SnapLength == 0 {
		c.SnapLength = defaultSnap
	}
	if c.Limit == 0 {
		c.Limit = defaultLimit
	}
	if len(c.Interfaces) == 0 {
		return nil, errors.New("want at least one interface to capture from")
	}
	p := &Capture{done: make(chan struct{})}
	ready := make(chan error)
	go func() {
		defer close(p.done)
		runtime.LockOSThread() // never unlocked: the thread ends here
		taps, err := open(&c)
		defer func() {
			for _, t := range taps {
				unix.Close(t.fd)
			}
		}()
		var out *pcapgo.NgWriter
		if err == nil {
			out, err = header(w, &c)
		}
		ready <- err
		if err == nil {
			p.err = errors.Join(p.run(out, taps, &c), out.Flush())
		}
	}()
	if err := <-ready; err != nil {
		<-p.done
		return nil, err
	}
	return p, nil
}

// open opens the interfaces inside their namespace.
func open(c *Config) (taps []tap, err error) {
	if err := netns.Join(c.Namespace); err != nil {
		return nil, err
	}
	for i, name := range c.Interfaces {
		nic, err := net.InterfaceByName(name)
		if err != nil {
			return taps, fmt.Errorf("interface %s: %w", name, err)
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return taps, fmt.Errorf("packet socket: %w", err)
		}
		taps = append(taps, tap{fd, i})
		all := uint16(unix.ETH_P_ALL)
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20)
		err = errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
			unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all<<8 | all>>8, Ifindex: nic.Index}),
		)
		if err != nil {
			return taps, fmt.Errorf("packet socket on %s: %w", name, err)
		}
	}
	return taps, nil
}

// header writes what stands before the packets.
func header(w io.Writer, c *Config) (*pcapgo.NgWriter, error) {
	nic := func(name string) pcapgo.NgInterface {
		return pcapgo.NgInterface{
			Name: name, LinkType: layers.LinkTypeEthernet, SnapLength: uint32(c.SnapLength), TimestampResolution: 9,
		}
	}
	out, err := pcapgo.NewNgWriterInterface(w, nic(c.Interfaces[0]), pcapgo.NgWriterOptions{
		SectionInfo: pcapgo.NgSectionInfo{OS: "Linux", Application: "bench", Comment: c.Comment},
	})
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	for _, name := range c.Interfaces[1:] {
		if _, err := out.AddInterface(nic(name)); err != nil {
			return nil, fmt.Errorf("capture: %w", err)
		}
	}
	return out, nil
}

// patience is how long Close may take to be noticed.
const patience = 20 * time.Millisecond

// blockSize is what an enhanced packet block takes besides the packet.
const blockSize = 32

func (p *Capture) run(out *pcapgo.NgWriter, taps []tap, c *Config) error {
	fds := make([]unix.PollFd, len(taps))
	for i, t := range taps {
		fds[i] = unix.PollFd{Fd: int32(t.fd), Events: unix.POLLIN}
	}
	data, meta := make([]byte, c.SnapLength), make([]byte, 64)
	size := int64(0)
	for {
		last := p.stop.Load()
		ts := unix.NsecToTimespec(int64(patience))
		if last {
			ts = unix.Timespec{}
		}
		if _, err := unix.Ppoll(fds, &ts, nil); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("capture: poll: %w", err)
		}
		for _, t := range taps {
			for {
				n, k, _, _, err := unix.Recvmsg(t.fd, data, meta, unix.MSG_TRUNC)
				if err != nil {
					break // nothing more for now
				}
				if size > c.Limit {
					p.counts.Left++
					continue
				}
				kept := min(n, c.SnapLength)
				size += int64(kept) + blockSize
				err = out.WritePacket(gopacket.CaptureInfo{
					Timestamp: stamp(meta[:k]), CaptureLength: kept, Length: n, InterfaceIndex: t.index,
				}, data[:kept])
				if err != nil {
					return fmt.Errorf("capture: %w", err)
				}
				p.counts.Written++
			}
		}
		if last {
			break
		}
	}
	for _, t := range taps {
		if s, err := unix.GetsockoptTpacketStats(t.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
			p.counts.Left += uint64(s.Drops)
		}
	}
	return nil
}

// stamp is when the kernel saw a packet.
func stamp(meta []byte) time.Time {
	if len(meta) >= unix.SizeofCmsghdr+16 {
		v := meta[unix.SizeofCmsghdr:]
		return time.Unix(int64(binary.NativeEndian.Uint64(v)), int64(binary.NativeEndian.Uint64(v[8:])))
	}
	return time.Now()
}

// Close ends the capture and returns what it has seen.
func (p *Capture) Close() (Counts, error) {
	p.stop.Store(true)
	<-p.done
	return p.counts, p.err
}
