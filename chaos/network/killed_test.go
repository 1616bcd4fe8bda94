package network_test

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"bench/chaos/filter"
	"bench/chaos/impair"
	"bench/chaos/network"
	"bench/chaos/testnet"
	"bench/internal/dist"
)

var full = flag.Bool("full", false, "kill as many processes with faults as a proof takes (make accuracy)")

// victimVariable holds the seed and the port of the loopback of a process that is
// to be killed with faults at work.
const victimVariable = "BENCH_TEST_VICTIM"

// TestVictim is that process: it lays a network, begins faults chosen by the seed,
// tells its namespaces, and exchanges messages until it is killed.
func TestVictim(t *testing.T) {
	var seed uint64
	var port uint16
	if _, err := fmt.Sscan(os.Getenv(victimVariable), &seed, &port); err != nil {
		t.Skip("part of TestNothingIsLeftOfTheKilled")
	}
	r := rand.New(rand.NewPCG(seed, 0))
	b := lay(t)
	ms := time.Millisecond
	orders := []network.Order{
		{Spec: impair.Spec{Delay: dist.FixedDuration(5 * ms)}},
		{Spec: impair.Spec{Match: impair.Match{Port: 80}, Loss: 0.1, Duplicate: 0.1}},
		{Spec: impair.Spec{Drop: true, Match: impair.Match{Direction: impair.UpOnly}}},
		{Spec: impair.Spec{Rate: 10e6, Match: impair.Match{Direction: impair.DownOnly}}},
		{Spec: impair.Spec{ZeroWindow: true}},
		{Spec: impair.Spec{Reject: impair.WithReset}},
	}
	r.Shuffle(len(orders), func(i, j int) { orders[i], orders[j] = orders[j], orders[i] })
	for i, o := range orders[:1+r.IntN(4)] {
		o.ID = fmt.Sprintf("victim-%d", i)
		begin(t, b, o, b.wire)
	}
	begin(t, b, network.Order{Spec: impair.Spec{ID: "loopback", Drop: true, Match: impair.Match{Port: port, Protocol: "tcp"}}}, network.Place{Device: "lo"})
	for _, ns := range []testnet.Namespace{b.Client, b.Wire, b.Server} {
		var s unix.Stat_t
		if err := unix.Fstat(ns.FD(), &s); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("namespace %d\n", s.Ino)
	}
	fmt.Println("ready")
	for {
		_, _ = b.round(10_000, 20*ms)
	}
}

// TestNothingIsLeftOfTheKilled kills processes with faults at work, helpers
// included in what must be gone a tenth of a second later.
func TestNothingIsLeftOfTheKilled(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root here: faults of the network are left out")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	rounds := 6
	if *full {
		rounds = 200
	}
	r := rand.New(rand.NewPCG(1, 1))
	for seed := range rounds {
		c := exec.Command(os.Args[0], "-test.run=^TestVictim$")
		c.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d", victimVariable, seed, l.Addr().(*net.TCPAddr).Port))
		c.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		namespaces := map[string]bool{}
		lines, ready := bufio.NewScanner(out), false
		for !ready && lines.Scan() {
			if ino, ok := strings.CutPrefix(lines.Text(), "namespace "); ok {
				namespaces[ino] = true
			}
			ready = lines.Text() == "ready"
		}
		if !ready {
			_ = c.Wait()
			t.Fatalf("seed %d: the victim did not begin", seed)
		}
		time.Sleep(time.Duration(r.IntN(50)) * time.Millisecond)
		if reaches(l.Addr().String()) {
			t.Fatalf("seed %d: the loopback is open before the end", seed)
		}
		if remains(t, c.Process.Pid, namespaces) == "" {
			t.Fatalf("seed %d: there is nothing to be left", seed)
		}
		_ = c.Process.Kill()
		_ = c.Wait()
		left := "?"
		for end := time.Now().Add(100 * time.Millisecond); left != "" && time.Now().Before(end); time.Sleep(time.Millisecond) {
			left = remains(t, c.Process.Pid, namespaces)
		}
		if left != "" {
			t.Errorf("seed %d: %s", seed, left)
		}
		if !reaches(l.Addr().String()) {
			t.Errorf("seed %d: the loopback stays closed", seed)
		}
	}
}

func reaches(address string) bool {
	c, err := net.DialTimeout("tcp", address, 20*time.Millisecond)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// remains says what is left of a process: others in its namespaces, or its table.
func remains(t *testing.T, pid int, namespaces map[string]bool) string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/task/*/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		var s unix.Stat_t
		if unix.Stat(path, &s) == nil && namespaces[strconv.FormatUint(s.Ino, 10)] {
			return path + " is one of its namespaces"
		}
	}
	there, err := filter.Exists(fmt.Sprintf("bench-%d-loopback", pid), nftables.TableFamilyINet, "")
	if err != nil {
		t.Fatal(err)
	}
	if there {
		return "its nftables table"
	}
	return ""
}
