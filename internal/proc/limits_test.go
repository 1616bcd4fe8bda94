package proc

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestQuotaOfControlGroups(t *testing.T) {
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("cpu/free/cpu.cfs_quota_us", "-1\n")
	write("cpu/free/cpu.cfs_period_us", "100000\n")
	write("cpu/tight/cpu.cfs_quota_us", "20000\n")
	write("cpu/tight/cpu.cfs_period_us", "100000\n")
	write("cpu/tight/cpu.stat", "nr_periods 50\nnr_throttled 40\nthrottled_time 123456\n")
	write("two/cpu.max", "150000 100000\n")
	write("two/cpu.stat", "usage_usec 1\nnr_periods 7\nnr_throttled 3\n")
	write("two/three/cpu.max", "max 100000\n")
	for _, c := range []struct {
		name, groups string
		want         Quota
		found        bool
	}{
		{"version 1", "3:memory:/m\n2:cpu,cpuacct:/tight\n", Quota{"/tight", 0.2, 50, 40}, true},
		{"below a group with one", "2:cpu:/tight/deeper\n", Quota{"/tight", 0.2, 50, 40}, true},
		{"none", "2:cpu:/free\n", Quota{}, false},
		{"version 2, of the group above", "0::/two/three\n", Quota{"/two", 1.5, 7, 3}, true},
		{"the tightest", "1:cpu:/tight\n0::/two\n", Quota{"/tight", 0.2, 50, 40}, true},
		{"other controllers", "3:memory:/tight\n", Quota{}, false},
	} {
		got, found := readQuota(c.groups, root)
		if found != c.found || found && got != c.want {
			t.Errorf("%s: %+v, %v", c.name, got, found)
		}
	}
}

func TestLimitsOfThisProcess(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if got := FileLimit(os.Getpid()); got != limit.Cur {
		t.Errorf("limit of files %d, want %d", got, limit.Cur)
	}
	before := OpenFiles(os.Getpid())
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if after := OpenFiles(os.Getpid()); before == 0 || after < before {
		t.Errorf("%d files open, then %d", before, after)
	}
	threads, err := ReadThreads(os.Getpid())
	if err != nil {
		t.Skip(err)
	}
	for id := range threads {
		if name := ThreadName(id); name == "" {
			t.Errorf("thread %v has no name", id)
		}
	}
	if c := ReadTCPCounters(os.Getpid()); c.Sent == 0 {
		t.Errorf("%+v: nothing was ever sent", c)
	}
	if n := PortRange(); n <= 0 {
		t.Errorf("%d local ports", n)
	}
}

func TestCountConnections(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:9C40 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 20 0 0 10 -1
   2: 0100007F:9C41 0100007F:1F90 06 00000000:00000000 03:00001000 00000000     0        0 0 3 0
   3: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 20 0 0 10 -1
   4: 0100007F:9C42 0200007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4 1 0 20 0 0 10 -1
`
	one, two := netip.MustParseAddrPort("127.0.0.1:8080"), netip.MustParseAddrPort("127.0.0.2:8080")
	got := countConnections(table, []netip.AddrPort{one, two})
	if got[one] != 2 || got[two] != 1 || len(got) != 2 {
		t.Errorf("%v", got)
	}
	if got := countConnections(strings.ReplaceAll(table, "1F90", "zz"), []netip.AddrPort{one}); len(got) != 0 {
		t.Errorf("of what is no address: %v", got)
	}
}
