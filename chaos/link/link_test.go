package link_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/chaos/impair"
	"bench/chaos/link"
	"bench/chaos/testnet"
	"bench/internal/dist"
	"bench/internal/loop"
	"bench/internal/proc"
)

// TestMain lets the test binary be the helper too.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "serve-link" {
		if err := link.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// start puts a link between the ends of a network.
func start(t *testing.T, n *testnet.Net, spin time.Duration, exclusive bool) *link.Link {
	t.Helper()
	g, err := proc.NewGroup(proc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	l, err := link.Start(g, []string{os.Args[0], "serve-link"}, link.Config{
		Namespace: n.Wire.Path(), Interfaces: [2]string{testnet.WireA, testnet.WireB},
		Spin: spin, Exclusive: exclusive,
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func add(t *testing.T, l *link.Link, s impair.Spec) {
	t.Helper()
	if err := l.Add(s); err != nil {
		t.Fatal(err)
	}
}

// flight sends n datagrams from the client at a pace and returns, by number, how
// long each took; -1 for those that did not come.
func flight(t *testing.T, bed *testnet.Net, n int, gap time.Duration) []time.Duration {
	t.Helper()
	server := bed.Server.ListenPacket(t, testnet.ServerIP+":9000")
	_ = server.SetReadBuffer(8 << 20)
	client := bed.Client.ListenPacket(t, testnet.ClientIP+":9001")
	took := make([]time.Duration, n)
	for i := range took {
		took[i] = -1
	}
	raw, err := server.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		var b [64]byte
		meta := make([]byte, 128)
		for {
			got, k, _, _, err := server.ReadMsgUDP(b[:], meta)
			if err != nil {
				return
			}
			if got < 16 {
				continue
			}
			at := time.Now().UnixNano()
			if cmsgs, err := unix.ParseSocketControlMessage(meta[:k]); err == nil {
				for _, c := range cmsgs {
					if c.Header.Type == unix.SCM_TIMESTAMPNS {
						at = int64(binary.NativeEndian.Uint64(c.Data))*1e9 + int64(binary.NativeEndian.Uint64(c.Data[8:]))
					}
				}
			}
			i := binary.BigEndian.Uint64(b[:])
			took[i] = time.Duration(at - int64(binary.BigEndian.Uint64(b[8:])))
		}
	}()
	to := net.UDPAddrFromAddrPort(server.LocalAddr().(*net.UDPAddr).AddrPort())
	begin := loop.Nanotime()
	var b [64]byte
	for i := range n {
		if wait := begin + int64(i)*int64(gap) - loop.Nanotime(); wait > 0 {
			time.Sleep(time.Duration(wait))
		}
		binary.BigEndian.PutUint64(b[:], uint64(i))
		binary.BigEndian.PutUint64(b[8:], uint64(time.Now().UnixNano()))
		if _, err := client.WriteToUDP(b[:], to); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(300 * time.Millisecond)
	server.SetReadDeadline(time.Now())
	<-done
	server.Close()
	client.Close()
	return took
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// transfer sends size bytes of a known pattern from the client to an address of the
// server over TCP and checks them there.
func transfer(t *testing.T, n *testnet.Net, address string, size int) time.Duration {
	t.Helper()
	listener := n.Server.Listen(t, address)
	defer listener.Close()
	type outcome struct {
		n   int
		err error
	}
	got := make(chan outcome, 1)
	go func() {
		c, err := listener.Accept()
		if err != nil {
			got <- outcome{0, err}
			return
		}
		defer c.Close()
		buf := make([]byte, 256<<10)
		total := 0
		for {
			k, err := c.Read(buf)
			for i := 0; i < k; i += 997 {
				if buf[i] != byte((total+i)%251) {
					got <- outcome{total + i, fmt.Errorf("byte %d is wrong", total+i)}
					return
				}
			}
			total += k
			if errors.Is(err, io.EOF) {
				got <- outcome{total, nil}
				return
			}
			if err != nil {
				got <- outcome{total, err}
				return
			}
		}
	}()
	begin := time.Now()
	c, err := n.Client.Dial(&net.Dialer{Timeout: 5 * time.Second}, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	pattern := make([]byte, 251*1024)
	for i := range pattern {
		pattern[i] = byte(i % 251)
	}
	for left := size; left > 0; {
		k, err := c.Write(pattern[:min(left, len(pattern))])
		if err != nil {
			t.Fatal(err)
		}
		left -= k
	}
	c.Close()
	o := <-got
	if o.err != nil || o.n != size {
		t.Fatalf("%d of %d bytes came: %v", o.n, size, o.err)
	}
	return time.Since(begin)
}

// TestDataSurvivesImpairment sends a stream through loss, duplicates, corruption,
// reordering and splitting: TCP must put it together again.
func TestDataSurvivesImpairment(t *testing.T) {
	for _, address := range []string{testnet.ServerIP + ":80", "[" + testnet.ServerIP6 + "]:80"} {
		n := testnet.NeedCut(t)
		l := start(t, n, 0, false)
		add(t, l, impair.Spec{
			ID: "all", Seed: 1, Match: impair.Match{Protocol: "tcp"},
			Loss: 0.005, Duplicate: 0.01, Corrupt: 0.005, Reorder: 0.02, ReorderBy: 300 * time.Microsecond,
			Delay: dist.FixedDuration(200 * time.Microsecond),
		})
		transfer(t, n, address, 4<<20)
		truth, err := l.Remove("all")
		if err != nil {
			t.Fatal(err)
		}
		for name, n := range map[string]uint64{"lost": truth.Dropped, "doubled": truth.Duplicated, "corrupted": truth.Corrupted, "overtaken": truth.Overtaken} {
			if n == 0 {
				t.Errorf("%s: no packet was %s", address, name)
			}
		}
		if mean := float64(truth.Bytes[0]) / float64(truth.Packets[0]); mean > 1514 {
			t.Errorf("%s: packets of %.0f bytes were decided about as one", address, mean)
		}
		if truth.Flows != 1 {
			t.Errorf("%s: %d flows were concerned, want 1", address, truth.Flows)
		}
	}
}

// TestOnlyWhatIsNamedIsTakenOver lets a bridge of the kernel carry all but the
// datagrams of one port, and everything again when the link is killed.
func TestOnlyWhatIsNamedIsTakenOver(t *testing.T) {
	n := testnet.Need(t)
	g, err := proc.NewGroup(proc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	l, err := link.Start(g, []string{os.Args[0], "serve-link"}, link.Config{
		Namespace: n.Wire.Path(), Interfaces: [2]string{testnet.WireA, testnet.WireB},
		Exclusive: true, Only: []impair.Match{{Protocol: "udp", Port: 9000}},
	})
	if err != nil {
		t.Fatal(err)
	}
	add(t, l, impair.Spec{ID: "half", Seed: 1, Loss: 0.5})
	transfer(t, n, testnet.ServerIP+":80", 1<<20)
	line, _, err := l.State()
	if err != nil {
		t.Fatal(err)
	}
	if line.Received != [2]uint64{} {
		t.Errorf("the link carried TCP: %+v", line)
	}
	count := func() (came int) {
		for _, took := range flight(t, n, 400, 100*time.Microsecond) {
			if took >= 0 {
				came++
			}
		}
		return came
	}
	if got := count(); got < 140 || got > 260 {
		t.Errorf("%d of 400 datagrams came, want half", got)
	}
	l.Process().Kill()
	if got := count(); got != 400 {
		t.Errorf("after the link was killed %d of 400 datagrams came", got)
	}
}
