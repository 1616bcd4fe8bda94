// Package doctor finds out what a machine offers to a test bed, and says what
// each missing piece costs. It changes nothing: every probe is undone by the
// end of a process or a descriptor.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/poller"
)

// Grades of a finding.
const (
	OK      = "ok"
	Limited = "limited" // there, but less than one would want
	Missing = "missing"
)

// Finding is one thing a machine offers or does not.
type Finding struct {
	Name  string `json:"name"`
	Grade string `json:"grade"`
	Found string `json:"found"`
	// Cost is what is lost without it, Remedy what brings it; both empty when
	// the grade is OK.
	Cost   string `json:"cost,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

// Examine probes the machine. probe is the command of a process that runs
// ProbeNetem, started in namespaces of its own.
func Examine(ctx context.Context, probe []string) []Finding {
	all := []Finding{cores(), quiet(ctx), clock(), files(), ports(), backlog(), ioUring()}
	all = append(all, namespaces(ctx, probe)...)
	all = append(all, governor())
	return append(all, peers(ctx)...)
}

func read(path string) (string, error) {
	b, err := os.ReadFile(path)
	return strings.TrimSpace(string(b)), err
}

func cores() Finding {
	f := Finding{Name: "cores", Grade: OK, Found: fmt.Sprintf("%d usable", runtime.NumCPU())}
	switch n := runtime.NumCPU(); {
	case n == 1:
		f.Grade, f.Cost = Missing, "proxy, origins and loads share one core: latencies hold the waiting for each other, and the generator is late under load"
	case n < 4:
		f.Grade, f.Cost = Limited, "origins and loads share a core: rates above some 10,000/s measure the test bed"
	default:
		return f
	}
	f.Remedy = "a machine with at least 4 cores"
	return f
}

func clock() Finding {
	source, err := read("/sys/devices/system/clocksource/clocksource0/current_clocksource")
	f := Finding{Name: "clock source", Grade: OK, Found: source}
	switch {
	case err != nil:
		f.Grade, f.Found = Limited, "unknown"
	case source == "tsc" || source == "kvm-clock" || source == "hyperv_clocksource_tsc_page" || source == "arch_sys_counter":
		return f
	default:
		f.Grade = Limited
	}
	f.Cost = "reading the time may be a system call of a microsecond or more, on the path of every request"
	f.Remedy = "boot with clocksource=tsc if the processor's is stable"
	return f
}

func files() Finding {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return Finding{Name: "open files", Grade: Limited, Found: err.Error(), Cost: "the number of connections is unknown", Remedy: "ulimit -n 65536"}
	}
	f := Finding{Name: "open files", Grade: OK, Found: fmt.Sprintf("%d (up to %d)", limit.Cur, limit.Max)}
	if limit.Max < 20_000 {
		f.Grade, f.Cost = Limited, fmt.Sprintf("at most some %d connections through a proxy, which takes two descriptors for each", limit.Max/2)
		f.Remedy = "raise the hard limit: ulimit -Hn 65536 as root, or LimitNOFILE= of the service"
	}
	return f
}

func ports() Finding {
	text, err := read("/proc/sys/net/ipv4/ip_local_port_range")
	f := Finding{Name: "source ports", Grade: OK, Found: strings.Join(strings.Fields(text), " to ")}
	var low, high int
	if _, scan := fmt.Sscan(text, &low, &high); err != nil || scan != nil {
		f.Grade, f.Found = Limited, "unknown"
	} else if high-low >= 20_000 {
		return f
	}
	f.Grade = Limited
	f.Cost = fmt.Sprintf("loads with a connection per request run out of ports after %d connections to one address within a minute", high-low)
	f.Remedy = "sysctl -w net.ipv4.ip_local_port_range='32768 60999'"
	return f
}

func backlog() Finding {
	text, err := read("/proc/sys/net/core/somaxconn")
	n, _ := strconv.Atoi(text)
	f := Finding{Name: "listen backlog", Grade: OK, Found: text}
	if err != nil || n < 1024 {
		f.Grade, f.Cost = Limited, fmt.Sprintf("bursts of more than %d connections wait for a second before they are tried again", n)
		f.Remedy = "sysctl -w net.core.somaxconn=4096"
	}
	return f
}

// ioUring asks for a ring, which is the only sure way to know: a sysctl, a seccomp
// filter and the age of the kernel all have a say.
func ioUring() Finding {
	all := poller.Mechanisms()
	m := all[slices.IndexFunc(all, func(m poller.Mechanism) bool { return m.Name == "io_uring" })]
	features, err := m.Features()
	if err == nil {
		return Finding{Name: "io_uring", Grade: OK, Found: "works: " + strings.Join(features, ", ")}
	}
	f := Finding{
		Name: "io_uring", Grade: Missing, Found: err.Error(),
		Cost:   "proxies that are told to use it fall back to epoll, and so do origins and loads, which then take more of the processor",
		Remedy: "Linux 5.13 or newer with CONFIG_IO_URING",
	}
	if errors.Is(err, unix.EPERM) {
		f.Remedy = "sysctl -w kernel.io_uring_disabled=0, and a seccomp profile that allows io_uring_setup"
	}
	return f
}

func governor() Finding {
	text, err := read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
	switch {
	case err != nil:
		return Finding{Name: "CPU governor", Grade: OK, Found: "none: the clock rate is not ours to set"}
	case text == "performance":
		return Finding{Name: "CPU governor", Grade: OK, Found: text}
	}
	return Finding{
		Name: "CPU governor", Grade: Limited, Found: text,
		Cost:   "the clock rate follows the load, so that light loads show higher latencies",
		Remedy: "cpupower frequency-set -g performance",
	}
}

// peer is a program that tests and comparisons make use of.
type peer struct{ name, cost string }

func peers(ctx context.Context) []Finding {
	list := []peer{
		{"haproxy", "no side-by-side comparison: driver haproxy and the tests against it are not available"},
		{"nginx", "no comparison with nginx"},
		{"wrk", "the load generator is not compared with wrk"},
		{"redis-server", "the mock Redis is not compared with the real one"},
		{"mariadbd", "the mock MySQL server is not tried with the real one"},
		{"socat", "some checks of sockets are left out of the tests"},
		{"curl", "some checks of HTTP are left out of the tests"},
		{"chromium", "the report is not checked in a browser"},
	}
	var all []Finding
	for _, p := range list {
		f := Finding{Name: p.name, Grade: OK}
		path, err := exec.LookPath(p.name)
		if err != nil {
			f.Grade, f.Found, f.Cost, f.Remedy = Missing, "not installed", p.cost, "apt-get install "+p.debian()
		} else {
			f.Found = path
			if p.name == "haproxy" {
				f.Found = haproxyVersion(ctx, path)
			}
		}
		all = append(all, f)
	}
	return all
}

// debian is the package that holds the program.
func (p peer) debian() string {
	switch p.name {
	case "nginx":
		return "nginx-light"
	case "mariadbd":
		return "mariadb-server"
	}
	return p.name
}

func haproxyVersion(ctx context.Context, path string) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "-v").Output()
	if err != nil {
		return path
	}
	first, _, _ := strings.Cut(string(out), "\n")
	if _, after, ok := strings.Cut(first, "version "); ok {
		first, _, _ = strings.Cut(after, " ")
	}
	return path + " " + first
}

// errNoNetem is what the probe says of a kernel without netem.
var errNoNetem = errors.New("not in this kernel")
