package worker

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/loadgen/http1"
	"bench/loadgen/trace"
	"bench/loadgen/workload"
)

// startPeer runs a program until the end of the test and waits until it listens.
// What it prints goes to out.
func startPeer(t testing.TB, out *os.File, addr, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := testpeer.Launch(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopPeer(cmd) })
	for range 300 {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return cmd
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s does not answer", name)
	return nil
}

// stopPeer ends a program and its children; it may have ended already.
func stopPeer(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
	}
}

func write(t testing.TB, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// nginxPeer serves a file of 100,000 bytes, texts, a cookie, and takes uploads.
func nginxPeer(t *testing.T) string {
	t.Helper()
	nginx := testpeer.Need(t, "nginx")
	dir, addr := t.TempDir(), testpeer.FreeAddr(t)
	write(t, filepath.Join(dir, "big"), strings.Repeat("0123456789", 10_000))
	conf := write(t, filepath.Join(dir, "nginx.conf"), fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 512; }
http { access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; keepalive_requests 100; root %[1]s;
server { listen %[2]s;
  location / { return 200 "hello $request_uri"; }
  location = /big { default_type application/octet-stream; }
  location /login { if ($http_cookie = "") { add_header Set-Cookie "id=$connection; Path=/"; } return 200 "cookie=$http_cookie"; }
  location /upload { client_max_body_size 10m; proxy_pass http://%[2]s/sink; proxy_http_version 1.1; proxy_set_header X-Length $content_length; }
  location /sink { return 201 "stored"; }
} }`, dir, addr))
	log, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	startPeer(t, log, addr, nginx, "-e", dir+"/error.log", "-p", dir, "-c", conf)
	return addr
}

// haproxyPeer stands before an origin and returns its address and its log.
func haproxyPeer(t *testing.T, origin string) (addr, log string) {
	t.Helper()
	haproxy := testpeer.Need(t, "haproxy")
	dir := t.TempDir()
	addr, log = testpeer.FreeAddr(t), filepath.Join(dir, "log")
	conf := write(t, filepath.Join(dir, "haproxy.cfg"), fmt.Sprintf(`global
    log stdout format raw local0
    # HAProxy drops a line of the log while another thread writes one.
    nbthread 1
    maxconn 512
defaults
    mode http
    log global
    option httplog
    timeout client 5s
    timeout server 5s
    timeout connect 5s
frontend fe
    bind %s
    capture request header User-Agent len 20
    default_backend be
backend be
    server s1 %s
`, addr, origin))
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	startPeer(t, out, addr, haproxy, "-db", "-f", conf)
	return addr, log
}

// peerMix uses all that requests can have.
func peerMix() http1.Spec {
	size := int64(100_000)
	return http1.Spec{Cookies: true, Requests: []http1.Request{
		{Name: "text", Weight: 4, Path: "/t/{{seq}}", Headers: []http1.Header{{Name: "User-Agent", Value: "bench/{{user}}"}}, Expect: http1.Expect{Status: []int{200}, Contains: "hello /t/"}},
		{Name: "big", Path: "/big", Expect: http1.Expect{Bytes: &size, SHA256: "aca9e593cc629cbaa94cd5a07dc029424aad93e5129e5d11f8dcd2f139c16cc0", Headers: []http1.Header{{Name: "Content-Type", Value: "application/*"}, {Name: "ETag", Value: "*"}}}},
		{Name: "head", Method: "HEAD", Path: "/big"},
		{Name: "login", Path: "/login", Expect: http1.Expect{Contains: "cookie="}},
		{Name: "upload", Method: "POST", Path: "/upload", Body: http1.Body{Text: `{"n":{{seq}},"x":"{{letters 5000}}"}`, Template: true, ChunkBytes: 1000}, Expect: http1.Expect{Status: []int{201}}},
	}}
}

func TestRealPeers(t *testing.T) {
	nginx := nginxPeer(t)
	proxied, _ := haproxyPeer(t, nginx)
	for name, addr := range map[string]string{"nginx": nginx, "haproxy": proxied} {
		for _, depth := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s, depth %d", name, depth), func(t *testing.T) {
				spec := steady(addr, 600, 500_000)
				spec.HTTP, spec.Connections = peerMix(), workload.Connections{Pool: 4, Pipeline: depth, MaxAgeUs: 200_000}
				got, l := load(t, spec)
				if got.Failed != 0 || got.Completed != 300 || got.ConnsOpened < 3 {
					t.Errorf("%d completed on %d connections, %d retried, failures %v", got.Completed, got.ConnsOpened, got.Retried, got.FailuresByCause)
					for _, f := range l.failures[:min(3, len(l.failures))] {
						t.Logf("%+v", *f)
					}
				}
				for _, c := range got.Classes {
					if c.Completed == 0 {
						t.Errorf("no request %s", c.Name)
					}
				}
			})
		}
	}
}

// What HAProxy has logged is replayed: the same requests in the same order and
// times, as HAProxy's log of the replay says.
func TestReplayOfARealLog(t *testing.T) {
	nginx := nginxPeer(t)
	addr, log := haproxyPeer(t, nginx)
	spec := steady(addr, 200, 500_000)
	spec.HTTP.Requests = []http1.Request{{Path: "/t/{{seq}}?q={{random 1 99}}"}}
	spec.Arrival = workload.Poisson
	first, _ := load(t, spec)
	recorded := logged(t, log, int(first.Requests))
	copied := write(t, filepath.Join(t.TempDir(), "haproxy.log"), recorded)
	again, againLog := haproxyPeer(t, nginx)
	source := &trace.Spec{File: copied, Speed: 2}
	replay := steady(again, 0, 500_000)
	replay.Arrival, replay.Trace = workload.Replay, source
	got, _ := load(t, replay)
	if got.Failed != 0 || got.Requests != first.Requests {
		t.Fatalf("%d requests of %d, failures %v", got.Requests, first.Requests, got.FailuresByCause)
	}
	write(t, copied+".again", logged(t, againLog, int(got.Requests)))
	want, err := trace.Read(source)
	if err != nil {
		t.Fatal(err)
	}
	have, err := trace.Read(&trace.Spec{File: copied + ".again"})
	if err != nil {
		t.Fatal(err)
	}
	paths := func(tr *trace.Trace) map[string]int64 {
		m := map[string]int64{}
		for _, e := range tr.Entries {
			m[tr.Requests[e.Request].Path] = e.At
		}
		return m
	}
	// HAProxy writes whole milliseconds, in both logs. What a busy machine holds up is few.
	wantAt, haveAt := paths(want), paths(have)
	late := 0
	for path, at := range wantAt {
		d := haveAt[path] - at
		if d > 50e6 || d < -50e6 {
			late++
		}
		if d > 2e9 || d < -2e9 {
			t.Errorf("%s at %v, want %v", path, time.Duration(haveAt[path]), time.Duration(at))
		}
	}
	if late > len(wantAt)/3 {
		t.Errorf("%d of %d requests are not at their time", late, len(wantAt))
	}
	if len(wantAt) != len(haveAt) {
		t.Errorf("%d different requests, want %d", len(haveAt), len(wantAt))
	}
}

// logged waits until a log has so many lines of requests.
func logged(t *testing.T, file string, n int) string {
	t.Helper()
	for range 200 {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(text), " HTTP/1.1\"") >= n {
			return string(text)
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the log does not have %d requests", n)
	return ""
}
