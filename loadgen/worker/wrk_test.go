package worker

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/loadgen/workload"
)

// Processors of the comparison: the load side has one, the origin the other.
const (
	originCPU = 0
	loadCPU   = 1
)

const wrkRounds = 4 // of A B B A

// BenchmarkAgainstWrk loads the same nginx with wrk -t1 and with a closed loop,
// in turn, both on one processor and nginx on the other one. It reports medians:
// requests per second and processor time per request of both, and their ratios
// (above 1 is better than wrk).
func BenchmarkAgainstWrk(b *testing.B) {
	wrk, nginx := testpeer.Need(b, "wrk"), testpeer.Need(b, "nginx")
	taskset := testpeer.Need(b, "taskset")
	if runtime.NumCPU() < 2 {
		b.Skip("needs two processors")
	}
	for _, c := range []struct {
		name    string
		perConn int
	}{{"keep-alive", 0}, {"close", 1}} {
		b.Run(c.name, func(b *testing.B) {
			addr := startNginx(b, taskset, nginx)
			var theirs, ours rates
			for range b.N {
				for range wrkRounds {
					theirs.add(runWrk(b, taskset, wrk, addr, c.perConn))
					ours.add(runOurs(b, addr, c.perConn))
					ours.add(runOurs(b, addr, c.perConn))
					theirs.add(runWrk(b, taskset, wrk, addr, c.perConn))
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(ours.perSecond), "req/s")
			b.ReportMetric(median(theirs.perSecond), "wrk-req/s")
			b.ReportMetric(median(ours.perSecond)/median(theirs.perSecond), "x-wrk-req/s")
			b.ReportMetric(median(ours.cpuUs), "cpu-µs/req")
			b.ReportMetric(median(theirs.cpuUs), "wrk-cpu-µs/req")
			b.ReportMetric(median(theirs.cpuUs)/median(ours.cpuUs), "x-wrk-cpu")
		})
	}
}

// rates are the outcomes of several runs.
type rates struct{ perSecond, cpuUs []float64 }

func (r *rates) add(perSecond, cpuUs float64) {
	r.perSecond, r.cpuUs = append(r.perSecond, perSecond), append(r.cpuUs, cpuUs)
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

func startNginx(b *testing.B, taskset, nginx string) string {
	b.Helper()
	dir := b.TempDir()
	addr := testpeer.FreeAddr(b)
	conf := fmt.Sprintf(`daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; server { listen %[2]s backlog=4096; location / { return 200 %[3]q; } } }`,
		dir, addr, strings.Repeat("x", 128))
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(taskset, "-c", strconv.Itoa(originCPU), nginx, "-e", dir+"/error.log", "-p", dir, "-c", file)
	if err := testpeer.Launch(cmd); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		_ = cmd.Wait()
	})
	for range 200 {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return addr
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.Fatal("nginx does not answer")
	return ""
}

func runWrk(b *testing.B, taskset, wrk, addr string, perConn int) (perSecond, cpuUs float64) {
	b.Helper()
	args := []string{"-c", strconv.Itoa(loadCPU), wrk, "-t1", "-c64", "-d1s"}
	if perConn == 1 {
		args = append(args, "-H", "Connection: close")
	}
	cmd := exec.Command(taskset, append(args, "http://"+addr+"/")...)
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	m := regexp.MustCompile(`(\d+) requests in ([\d.]+)(m?s)`).FindSubmatch(out)
	if m == nil {
		b.Fatalf("wrk said %s", out)
	}
	n, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	length, err := time.ParseDuration(string(m[2]) + string(m[3]))
	if err != nil {
		b.Fatal(err)
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return n / length.Seconds(), float64(cpu.Microseconds()) / n
}

func runOurs(b *testing.B, addr string, perConn int) (perSecond, cpuUs float64) {
	b.Helper()
	spec := steady(addr, 0, 1_000_000)
	spec.Arrival, spec.CPUs, spec.SpinUs = workload.Closed, []int{loadCPU}, 100
	spec.Connections = workload.Connections{Pool: 64, RequestsPerConnection: perConn}
	got, err := Run(context.Background(), spec, nil)
	if err != nil {
		b.Fatal(err)
	}
	if got.Failed > 0 {
		b.Fatalf("failures %v", got.FailuresByCause)
	}
	return got.RatePerSecond, got.CPUSeconds * 1e6 / float64(got.Completed)
}
