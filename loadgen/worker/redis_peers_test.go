package worker

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"bench/internal/dist"
	"bench/internal/result"
	"bench/internal/testpeer"
	"bench/loadgen/draw"
	"bench/loadgen/redis"
	"bench/loadgen/workload"
)

// redisPeer runs a Redis server; before is a command to run it by.
func redisPeer(t testing.TB, before []string, args ...string) (addr string) {
	t.Helper()
	server := testpeer.Need(t, "redis-server")
	addr = testpeer.FreeAddr(t)
	_, port, _ := strings.Cut(addr, ":")
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	line := append(before, server, "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", dir)
	line = append(line, args...)
	startPeer(t, log, addr, line[0], line[1:]...)
	return addr
}

func redisLoad(addr string, r redis.Spec) *workload.Spec {
	spec := steady(addr, 2000, 300_000)
	spec.Protocol, spec.Redis = "redis", r
	return spec
}

func TestRedisServer(t *testing.T) {
	addr := redisPeer(t, nil)
	for _, version := range []int{2, 3} {
		spec := redisLoad(addr, redis.Spec{
			Version: version, Database: version, Value: dist.FixedSize(20_000), Keys: draw.Keys{Count: 10, Law: draw.KeysZipfian},
			Commands: []redis.Command{
				{Name: "set", Line: "SET {{key}} {{value}}", Expect: redis.ExpectReply{Text: new("OK")}},
				{Name: "get", Weight: 3, Line: "GET {{key}}"},
				{Name: "incr", Line: "INCR n", Expect: redis.ExpectReply{Null: new(false)}},
				{Name: "all", Line: "CONFIG GET max*"},
				{Name: "wrong", Line: "INCR {{key}} 1"},
			},
		})
		spec.Connections.Pipeline, spec.Connections.RequestsPerConnection = 4, 50
		got, l := load(t, spec)
		var incr, wrong *result.LoadClass
		for i := range got.Classes {
			switch c := &got.Classes[i]; c.Name {
			case "incr":
				incr = c
			case "wrong":
				wrong = c
			}
		}
		if got.Failed != wrong.Requests || wrong.FailuresByCause[result.CauseError] != wrong.Requests || got.ConnsOpened < 8 {
			t.Errorf("version %d: failures %v, %d connections", version, got.FailuresByCause, got.ConnsOpened)
		}
		for _, f := range l.failures {
			if f.Detail != "ERR wrong number of arguments for 'incr' command" {
				t.Fatalf("failure %+v", f)
			}
		}
		check := redisLoad(addr, redis.Spec{Database: version, Commands: []redis.Command{{Line: "GET n", Expect: redis.ExpectReply{Text: new(strconv.FormatUint(incr.Completed, 10))}}}})
		if got, _ := load(t, check); got.Failed > 0 {
			t.Errorf("version %d: the server has not counted %d: %v", version, incr.Completed, got.FailuresByCause)
		}
	}
}

func TestRedisServerAuthentication(t *testing.T) {
	addr := redisPeer(t, nil, "--requirepass", "secret")
	for _, c := range []struct {
		client redis.Spec
		want   string // cause
	}{
		{redis.Spec{Password: "secret"}, ""},
		{redis.Spec{Password: "secret", User: "default"}, ""},
		{redis.Spec{Password: "secret", Version: 3}, ""},
		{redis.Spec{Password: "wrong"}, result.CauseConnect},
		{redis.Spec{Password: "wrong", Version: 3}, result.CauseConnect},
		{redis.Spec{}, result.CauseDenied},
	} {
		got, l := load(t, redisLoad(addr, c.client))
		if c.want == "" && got.Failed > 0 || c.want != "" && got.FailuresByCause[c.want] != got.Requests {
			t.Errorf("%+v: failures %v", c.client, got.FailuresByCause)
		}
		if c.want == result.CauseConnect && !strings.HasPrefix(l.failures[0].Detail, "handshake: WRONGPASS ") {
			t.Errorf("%+v: failure %+v", c.client, l.failures[0])
		}
	}
}

func TestRedisWorkerDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	spec := redisLoad(redisPeer(t, nil), redis.Spec{Value: dist.FixedSize(64), Commands: []redis.Command{{Name: "set", Line: "SET {{key}} {{value}}"}, {Name: "get", Weight: 9, Line: "GET {{key}}"}}})
	spec.Phases[0].LengthUs, spec.Arrival, spec.Connections.Pipeline = 60_000_000, workload.Closed, 4
	var wrong error
	for range 3 {
		if wrong = allocating(t, spec); wrong == nil {
			return
		}
	}
	t.Error(wrong)
}

// BenchmarkAgainstRedisBenchmark loads the same server with redis-benchmark on
// one thread and with a closed loop, in turn, both on one processor and the
// server on the other one. It reports medians and their ratios (above 1 is better
// than redis-benchmark).
func BenchmarkAgainstRedisBenchmark(b *testing.B) {
	theirs, taskset := testpeer.Need(b, "redis-benchmark"), testpeer.Need(b, "taskset")
	if runtime.NumCPU() < 2 {
		b.Skip("needs two processors")
	}
	addr := redisPeer(b, []string{taskset, "-c", strconv.Itoa(originCPU)})
	for _, c := range []struct {
		name            string
		line            string
		conns, pipeline int
	}{{"set", "SET", 50, 1}, {"get", "GET", 50, 1}, {"set in pipelines of 16", "SET", 50, 16}, {"get on one connection", "GET", 1, 1}} {
		b.Run(c.name, func(b *testing.B) {
			var them, us rates
			for range b.N {
				for range 2 {
					them.add(runRedisBenchmark(b, taskset, theirs, addr, c.line, c.conns, c.pipeline))
					us.add(runRedisLoad(b, addr, c.line, c.conns, c.pipeline))
					us.add(runRedisLoad(b, addr, c.line, c.conns, c.pipeline))
					them.add(runRedisBenchmark(b, taskset, theirs, addr, c.line, c.conns, c.pipeline))
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(us.perSecond), "req/s")
			b.ReportMetric(median(us.perSecond)/median(them.perSecond), "x-redis-benchmark-req/s")
			b.ReportMetric(median(us.cpuUs), "cpu-µs/req")
			b.ReportMetric(median(them.cpuUs)/median(us.cpuUs), "x-redis-benchmark-cpu")
		})
	}
}

func runRedisBenchmark(b *testing.B, taskset, program, addr, command string, conns, pipeline int) (perSecond, cpuUs float64) {
	b.Helper()
	host, port, _ := strings.Cut(addr, ":")
	n := 100_000 * pipeline / max(1, 5/conns)
	cmd := exec.Command(taskset, "-c", strconv.Itoa(loadCPU), program, "-h", host, "-p", port, "-t", strings.ToLower(command), "-r", "100000",
		"-c", strconv.Itoa(conns), "-P", strconv.Itoa(pipeline), "-n", strconv.Itoa(n), "--csv")
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	fields := strings.Split(string(lines[len(lines)-1]), ",")
	perSecond, err = strconv.ParseFloat(strings.Trim(fields[1], `"`), 64)
	if err != nil {
		b.Fatalf("redis-benchmark said %s", out)
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return perSecond, float64(cpu.Microseconds()) / float64(n)
}

func runRedisLoad(b *testing.B, addr, command string, conns, pipeline int) (perSecond, cpuUs float64) {
	b.Helper()
	line := command + " {{key}}"
	if command == "SET" {
		line += " {{value}}"
	}
	spec := redisLoad(addr, redis.Spec{Value: dist.FixedSize(3), Commands: []redis.Command{{Line: line}}})
	spec.Phases[0].LengthUs, spec.Arrival, spec.CPUs, spec.SpinUs = 1_000_000, workload.Closed, []int{loadCPU}, 100
	spec.Connections = workload.Connections{Pool: conns, Pipeline: pipeline}
	got, err := Run(context.Background(), spec, nil)
	if err != nil {
		b.Fatal(err)
	}
	if got.Failed > 0 {
		b.Fatalf("failures %v", got.FailuresByCause)
	}
	return got.RatePerSecond, got.CPUSeconds * 1e6 / float64(got.Completed)
}
