package link_test

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"golang.org/x/sys/unix"

	"bench/chaos/impair"
	"bench/chaos/link"
	"bench/chaos/testnet"
	"bench/internal/dist"
	"bench/internal/proc"
)

// full asks for the figures that a quiet machine must reach, with as many packets
// as they take; without it the tests are short, and hold what also a busy machine
// reaches.
var full = flag.Bool("full", false, "measure the accuracy of the link in full (make accuracy)")

// limits picks the limit that holds.
func limits(quiet, busy time.Duration) time.Duration {
	if *full {
		return quiet
	}
	return busy
}

func packets(inFull, inShort int) int {
	if *full {
		return inFull
	}
	return inShort
}

const pace = 250 * time.Microsecond // 4,000 packets a second

func upstream(id string) impair.Spec {
	return impair.Spec{ID: id, Seed: 1, Match: impair.Match{Direction: impair.UpOnly, Protocol: "udp"}}
}

func TestAccuracyOfDelay(t *testing.T) {
	n := testnet.NeedCut(t)
	l := start(t, n, link.DefaultSpin, false)
	asked := []time.Duration{time.Millisecond, 20 * time.Millisecond}
	if *full {
		asked = []time.Duration{time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond}
	}
	for _, d := range asked {
		s := upstream("d")
		s.Delay = dist.FixedDuration(d)
		took, late, disturbed := undisturbed(t, n, l, s, packets(20_000, 1500))
		if len(took) < packets(5000, 1) {
			t.Skipf("the host took the processors away in %d flights: nothing can be said", disturbed)
		}
		slices.Sort(took)
		p50, p99 := quantile(took, .5)-d, quantile(took, .99)-d
		t.Logf("asked %v: p50 %+v, p99 %+v of %d packets, %d flights were disturbed; its own account: late p50 %v, p99 %v",
			d, p50, p99, len(took), disturbed, time.Duration(late.P50), time.Duration(late.P99))
		if took[0] < d {
			t.Errorf("asked %v: a packet took %v only", d, took[0])
		}
		// The link itself is late by at most 10 µs and 50 µs; the way to it and from
		// it, and a sender that is held up itself, come to that.
		busy := 20 * time.Millisecond
		if !l.RealTime() {
			busy = 500 * time.Millisecond
		}
		if p50 > limits(20*time.Microsecond, busy/4) || p99 > limits(80*time.Microsecond, busy) {
			t.Errorf("asked %v: p50 %+v, p99 %+v", d, p50, p99)
		}
		if *full && (late.P50 > 10_000 || late.P99 > 50_000) {
			t.Errorf("asked %v: late by %v at p50, %v at p99", d, time.Duration(late.P50), time.Duration(late.P99))
		}
	}
}

// flightSize is a quarter of a second at the pace of the test.
const flightSize = 1000

// undisturbed sends n packets through the fault s in flights, and leaves out those in
// which the host of a virtual machine took a processor away: in full only, where it is
// about microseconds. late is the link's own account, the medians of the flights.
func undisturbed(t *testing.T, bed *testnet.Net, l *link.Link, s impair.Spec, n int) (took []time.Duration, late impair.Times, disturbed int) {
	t.Helper()
	var p50, p99 []int64
	size := min(n, flightSize)
	for range n / size {
		before, _ := proc.Stolen(nil) // 0 where the kernel does not tell
		add(t, l, s)
		one := flight(t, bed, size, pace)
		truth, err := l.Remove(s.ID)
		if err != nil {
			t.Fatal(err)
		}
		if after, _ := proc.Stolen(nil); *full && after > before {
			disturbed++
			continue
		}
		took = append(took, one...)
		p50, p99 = append(p50, truth.Late.P50), append(p99, truth.Late.P99)
	}
	median := func(of []int64) int64 {
		if len(of) == 0 {
			return 0
		}
		slices.Sort(of)
		return of[len(of)/2]
	}
	late.P50, late.P99 = median(p50), median(p99)
	return took, late, disturbed
}

// TestAccuracyWithBusyProcessors keeps each processor busy with an ordinary
// process.
func TestAccuracyWithBusyProcessors(t *testing.T) {
	if !*full {
		t.Skip("part of make accuracy")
	}
	n := testnet.NeedCut(t)
	l := start(t, n, link.DefaultSpin, false)
	if !l.RealTime() {
		t.Skip("no real-time priority is allowed here")
	}
	for range runtime.NumCPU() {
		c := exec.Command("sh", "-c", "while :; do :; done")
		c.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	}
	const d = 20 * time.Millisecond
	s := upstream("d")
	s.Delay = dist.FixedDuration(d)
	add(t, l, s)
	took := flight(t, n, 20_000, pace)
	truth, err := l.Remove("d")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(took)
	t.Logf("p50 %+v, p99 %+v; its own account: late p50 %v, p99 %v", quantile(took, .5)-d, quantile(took, .99)-d,
		time.Duration(truth.Late.P50), time.Duration(truth.Late.P99))
	if late := time.Duration(truth.Late.P99); late > 100*time.Microsecond {
		t.Errorf("late by %v at p99", late)
	}
}

// TestAccuracyOfJitter is a Kolmogorov-Smirnov test of the delays that arrive.
func TestAccuracyOfJitter(t *testing.T) {
	n := testnet.NeedCut(t)
	l := start(t, n, link.DefaultSpin, false)
	law, err := dist.ParseDuration("normal(20ms, 3ms)")
	if err != nil {
		t.Fatal(err)
	}
	s := upstream("j")
	s.Delay, s.Overtake = law, true
	add(t, l, s)
	count := packets(20_000, 2000)
	took := flight(t, n, count, pace)
	slices.Sort(took)
	worst := 0.0
	for i, d := range took {
		p := law.CDF(d)
		worst = max(worst, p-float64(i)/float64(count), float64(i+1)/float64(count)-p)
	}
	limit := 1.63 / math.Sqrt(float64(count))
	if !*full {
		limit *= 3 // a busy machine is late at times
	}
	t.Logf("statistic %.4f, limit %.4f", worst, limit)
	if worst > limit {
		t.Errorf("statistic %.4f above %.4f", worst, limit)
	}
}

// TestSameSeedSameDrops holds the lists of the packets lost in two flights, in
// two networks, against each other.
func TestSameSeedSameDrops(t *testing.T) {
	const share = 0.1
	count := packets(20_000, 3000)
	var lists [2][]int
	for run := range lists {
		n := testnet.NeedCut(t)
		l := start(t, n, 0, false)
		s := upstream("l")
		s.Loss = share
		add(t, l, s)
		for i, d := range flight(t, n, count, pace/2) {
			if d < 0 {
				lists[run] = append(lists[run], i)
			}
		}
		truth, err := l.Remove("l")
		if err != nil {
			t.Fatal(err)
		}
		if truth.Dropped != uint64(len(lists[run])) || truth.Total() != uint64(count) {
			t.Errorf("its account says %d of %d lost, it was %d of %d", truth.Dropped, truth.Total(), len(lists[run]), count)
		}
	}
	if !slices.Equal(lists[0], lists[1]) {
		t.Errorf("the same seed lost %d packets and then %d others", len(lists[0]), len(lists[1]))
	}
	lost := float64(len(lists[0]))
	if d := math.Abs(lost - share*float64(count)); d > 2.58*math.Sqrt(share*(1-share)*float64(count)) {
		t.Errorf("%v of %d packets were lost, asked %v", lost, count, share)
	}
}

// received is what an interface of a namespace has received.
func received(t *testing.T, at testnet.Namespace, name string) (n uint64) {
	t.Helper()
	err := at.Do(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/dev")
		if err != nil {
			return err
		}
		n, err = counter(string(text), name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestThroughputWithDelay sends as many small packets as one thread can, up to
// 200,000 a second.
func TestThroughputWithDelay(t *testing.T) {
	n := testnet.NeedCut(t)
	l := start(t, n, 0, false)
	s := upstream("d")
	s.Delay = dist.FixedDuration(20 * time.Millisecond)
	add(t, l, s)
	burst := newBurst(t, n, 64)
	length := time.Duration(packets(5000, 300)) * time.Millisecond
	before := received(t, n.Server, testnet.Link)
	sent, begin := 0, time.Now()
	rate := float64(packets(200_000, 50_000))
	for time.Since(begin) < length {
		if due := int(time.Since(begin).Seconds()*rate) - sent; due > 0 {
			sent += burst.send(due)
		}
	}
	took := time.Since(begin)
	came := received(t, n.Server, testnet.Link) - before
	for deadline := time.Now().Add(5 * time.Second); int(came) < sent && time.Now().Before(deadline); { // what waits in the link
		time.Sleep(50 * time.Millisecond)
		came = received(t, n.Server, testnet.Link) - before
	}
	line, _, err := l.State()
	if err != nil {
		t.Fatal(err)
	}
	lost := sent - int(came)
	t.Logf("%.0f packets a second, %d of %d lost, %+v", float64(sent)/took.Seconds(), lost, sent, line)
	if limit := packets(sent/10_000, sent/20); lost > limit {
		t.Errorf("%d of %d packets were lost unasked", lost, sent)
	}
	if *full && float64(sent)/took.Seconds() < 199_000 {
		t.Errorf("only %.0f packets a second could be sent", float64(sent)/took.Seconds())
	}
}

// burst puts equal datagrams on the client's end of the wire, many by one system
// call and past the client's stack, which would be slower than the link.
type burst struct {
	fd       int
	vector   unix.Iovec
	messages []mmsghdr
}

// mmsghdr is struct mmsghdr.
type mmsghdr struct {
	unix.Msghdr
	n, _ uint32
}

func newBurst(t *testing.T, n *testnet.Net, most int) *burst {
	t.Helper()
	mac := func(of testnet.Namespace) (nic *net.Interface) {
		err := of.Do(func() (err error) {
			nic, err = net.InterfaceByName(testnet.Link)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return nic
	}
	from, to := mac(n.Client), mac(n.Server)
	b := &burst{messages: make([]mmsghdr, most)}
	err := n.Client.Do(func() (err error) {
		if b.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return errors.Join(
			unix.SetsockoptInt(b.fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1),
			unix.Bind(b.fd, &unix.SockaddrLinklayer{Ifindex: from.Index}),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(b.fd) })
	ip := layers.IPv4{
		Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP,
		SrcIP: net.ParseIP(testnet.ClientIP), DstIP: net.ParseIP(testnet.ServerIP),
	}
	udp := layers.UDP{SrcPort: 9000, DstPort: 9000}
	_ = udp.SetNetworkLayerForChecksum(&ip)
	buf := gopacket.NewSerializeBuffer()
	err = gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: from.HardwareAddr, DstMAC: to.HardwareAddr, EthernetType: layers.EthernetTypeIPv4},
		&ip, &udp, gopacket.Payload(make([]byte, 64)))
	if err != nil {
		t.Fatal(err)
	}
	b.vector.Base = &buf.Bytes()[0]
	b.vector.SetLen(len(buf.Bytes()))
	for i := range b.messages {
		b.messages[i].Iov, b.messages[i].Iovlen = &b.vector, 1
	}
	return b
}

// send sends up to n datagrams and returns how many the kernel took.
func (b *burst) send(n int) int {
	n = min(n, len(b.messages))
	sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(b.fd), uintptr(unsafe.Pointer(&b.messages[0])), uintptr(n), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(sent)
}

// TestFlowsNotConcerned compares round trips of a flow through the kernel's bridge
// with a link that takes other flows and without, in turns.
func TestFlowsNotConcerned(t *testing.T) {
	if !*full {
		t.Skip("part of make accuracy")
	}
	n := testnet.Need(t)
	echo := n.Server.ListenPacket(t, testnet.ServerIP+":7")
	go func() {
		b := make([]byte, 64)
		for {
			k, from, err := echo.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			_, _ = echo.WriteToUDPAddrPort(b[:k], from)
		}
	}()
	c, err := n.Client.Dial(&net.Dialer{}, "udp", echo.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	round := func() time.Duration {
		var took []time.Duration
		b := make([]byte, 64)
		for range 5000 {
			begin := time.Now()
			if _, err := c.Write(b); err != nil {
				t.Fatal(err)
			}
			c.SetReadDeadline(time.Now().Add(time.Second))
			if _, err := c.Read(b); err != nil {
				t.Fatal(err)
			}
			took = append(took, time.Since(begin))
		}
		slices.Sort(took)
		return quantile(took, .5)
	}
	g, err := proc.NewGroup(proc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	var with, without []time.Duration
	for turn := range 8 {
		if turn%4 == 0 || turn%4 == 3 {
			without = append(without, round())
			continue
		}
		l, err := link.Start(g, []string{os.Args[0], "serve-link"}, link.Config{
			Namespace: n.Wire.Path(), Interfaces: [2]string{testnet.WireA, testnet.WireB},
			Exclusive: true, Only: []impair.Match{{Protocol: "tcp", Port: 80}},
		})
		if err != nil {
			t.Fatal(err)
		}
		with = append(with, round())
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	slices.Sort(with)
	slices.Sort(without)
	slower := (quantile(with, .5) - quantile(without, .5)) / 2
	t.Logf("round trips with the link %v, without %v: slower by %v a way", with, without, slower)
	if slower > 2*time.Microsecond {
		t.Errorf("flows that are not concerned are slower by %v a way", slower)
	}
}

// TestAccuracyOfRate expects of TCP the share of a full frame that is payload.
func TestAccuracyOfRate(t *testing.T) {
	n := testnet.NeedCut(t)
	l := start(t, n, link.DefaultSpin, false)
	rates := []float64{100e6}
	if *full {
		rates = []float64{10e6, 100e6, 1e9}
	}
	for _, bits := range rates {
		add(t, l, impair.Spec{ID: "r", Rate: bits, Queue: 20 * time.Millisecond, Match: impair.Match{Direction: impair.UpOnly}})
		size := int(bits / 8 * 0.4)
		took := transfer(t, n, testnet.ServerIP+":80", size)
		truth, err := l.Remove("r")
		if err != nil {
			t.Fatal(err)
		}
		got := float64(size) * 8 / took.Seconds() / (bits * 1448 / 1514)
		line := float64(truth.BusyBytes[0]) * 8e9 / float64(truth.BusyTime[0]) / bits
		t.Logf("%.0f Mbit/s: %.1f %% of the goodput that is possible; while it was busy the line carried %.2f %%", bits/1e6, 100*got, 100*line)
		if got > 1.01 || (*full && got < 0.9) {
			t.Errorf("at %.0f Mbit/s the goodput is %.1f %% of what is possible", bits/1e6, 100*got)
		}
		if math.Abs(line-1) > 0.02 {
			t.Errorf("a line of %.0f Mbit/s carried %.1f %%", bits/1e6, 100*line)
		}
	}
}

// TestBulk sends merged segments through. The ends neither make nor look at the
// data, so that the link is what is measured.
func TestBulk(t *testing.T) {
	n := testnet.NeedCut(t)
	l := start(t, n, 0, false)
	size := packets(8<<30, 128<<20)
	took := pour(t, n, size)
	line, _, err := l.State()
	if err != nil {
		t.Fatal(err)
	}
	rate := float64(size) * 8 / took.Seconds() / 1e9
	t.Logf("%.1f Gbit/s, %d bytes a frame", rate, size/int(line.Sent[0]))
	if size/int(line.Sent[0]) < 20_000 {
		t.Errorf("%d bytes a frame: merged segments do not pass", size/int(line.Sent[0]))
	}
	if *full && rate < 20 {
		t.Errorf("%.1f Gbit/s, want 20", rate)
	}
}

// pour sends size bytes from the page cache of the client to the server, which
// throws them away in the kernel.
func pour(t *testing.T, n *testnet.Net, size int) time.Duration {
	t.Helper()
	const piece = 1 << 20
	file, err := unix.MemfdCreate("pour", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(file)
	if err := unix.Ftruncate(file, piece); err != nil {
		t.Fatal(err)
	}
	listener := n.Server.Listen(t, testnet.ServerIP+":80")
	defer listener.Close()
	client, err := n.Client.Dial(&net.Dialer{}, "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	begin := time.Now()
	go func() {
		raw, err := client.(*net.TCPConn).SyscallConn()
		if err != nil {
			return
		}
		for left := size; left > 0; {
			err := raw.Write(func(fd uintptr) bool {
				at := int64(0)
				k, err := unix.Sendfile(int(fd), file, &at, min(left, piece))
				left -= max(k, 0)
				return !errors.Is(err, unix.EAGAIN)
			})
			if err != nil {
				return
			}
		}
	}()
	raw, err := server.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, piece)
	for got := 0; got < size; {
		err := raw.Read(func(fd uintptr) bool {
			k, _, err := unix.Recvfrom(int(fd), buf, unix.MSG_TRUNC)
			got += max(k, 0)
			return !errors.Is(err, unix.EAGAIN)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return time.Since(begin)
}

// counter reads the packets received of an interface from /proc/net/dev.
func counter(text, name string) (uint64, error) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == name+":" {
			return strconv.ParseUint(f[2], 10, 64)
		}
	}
	return 0, fmt.Errorf("no interface %s", name)
}
