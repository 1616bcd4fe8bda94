package backends_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bench/backends/control"
	"bench/backends/dnsorigin"
	"bench/backends/mysqlorigin"
	"bench/backends/redisorigin"
	"bench/backends/tcporigin"
	"bench/internal/dist"
)

// speaker is one protocol, as far as every origin has to suffer the same faults.
type speaker struct {
	name    string
	start   func(*testing.T) *rig
	login   func(*testing.T, net.Conn) // nil: there is none
	request string
	failed  string // begins, or is in, the answer of an error fault; "": there is none
}

// answerText is what each origin answers with, in its own framing.
var answerText = strings.Repeat("an answer that is long enough ", 4)

func speakers() []speaker {
	return []speaker{
		{
			name: "http", request: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", failed: " 503 ",
			start: func(t *testing.T) *rig {
				return start(t, func(o *options) { o.HTTP.Answer.Body = dist.FixedSize(int64(len(answerText))) })
			},
		},
		{
			name: "tcp", request: answerText,
			start: func(t *testing.T) *rig { return startTCP(t, tcporigin.Options{}, nil) },
		},
		{
			name: "mysql", request: "\x09\x00\x00\x00\x03SELECT 1", failed: "\xff",
			start: func(t *testing.T) *rig {
				rows := []mysqlorigin.Row{{Query: "SELECT 1", Columns: []string{"text"}, Rows: [][]*string{{&answerText}}}}
				a, err := rows[0].Answer()
				if err != nil {
					t.Fatal(err)
				}
				return startMySQL(t, mysqlorigin.Options{Answers: []mysqlorigin.Answer{a}})
			},
			login: loginMySQL,
		},
		{
			name: "redis", request: "GET greeting\r\n", failed: "-ERR",
			start: func(t *testing.T) *rig {
				return startRedis(t, redisorigin.Options{Keys: map[string]string{"greeting": answerText}})
			},
		},
		{
			name: "dns", request: dnsRequest("greeting.test.", dns.TypeTXT), failed: "\x81\x02", // the flags of SERVFAIL
			start: func(t *testing.T) *rig {
				return startDNS(t, dnsorigin.Options{Records: "greeting.test TXT \"" + answerText + "\"\n"})
			},
		},
	}
}

// loginMySQL reads the greeting, logs in as anybody and reads the OK.
func loginMySQL(t *testing.T, c net.Conn) {
	t.Helper()
	packet := func() {
		head := make([]byte, 4)
		if _, err := io.ReadFull(c, head); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, c, int64(head[0])|int64(head[1])<<8); err != nil {
			t.Fatal(err)
		}
	}
	packet()
	const protocol41, secure = 1 << 9, 1 << 15
	body := binary.LittleEndian.AppendUint32(nil, protocol41|secure)
	body = append(body, make([]byte, 28)...)  // greatest packet, character set, filler
	body = append(body, "someone\x00\x00"...) // no password
	if _, err := c.Write(append([]byte{byte(len(body)), 0, 0, 1}, body...)); err != nil {
		t.Fatal(err)
	}
	packet()
}

// talk is one connection of a speaker.
type talk struct {
	*speaker
	t    *testing.T
	c    net.Conn
	base string // a good answer
}

// connect opens a connection, logs in and asks once, so that what follows finds
// it at work.
func (s *speaker) connect(t *testing.T, r *rig) *talk {
	t.Helper()
	k := &talk{speaker: s, t: t, c: r.dial()}
	if s.login != nil {
		s.login(t, k.c)
	}
	if _, err := io.WriteString(k.c, s.request); err != nil {
		t.Fatal(err)
	}
	// Its answer is what comes until nothing more does.
	buf := make([]byte, 4096)
	n, err := io.ReadAtLeast(k.c, buf, len(answerText))
	for err == nil {
		_ = k.c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		var more int
		more, err = k.c.Read(buf[n:])
		n += more
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	_ = k.c.SetReadDeadline(time.Now().Add(5 * time.Second))
	k.base = string(buf[:n])
	return k
}

// ask sends a request and reads as much as a good answer has, or to the end.
func (k *talk) ask() (answer string, took time.Duration, err error) {
	k.t.Helper()
	begin := time.Now()
	if _, err := io.WriteString(k.c, k.request); err != nil {
		return "", 0, err
	}
	return k.hear(begin)
}

func (k *talk) hear(begin time.Time) (answer string, took time.Duration, err error) {
	buf := make([]byte, len(k.base))
	n, err := io.ReadFull(k.c, buf)
	return string(buf[:n]), time.Since(begin), err
}

// late is by how much a busy machine may be late in these tests, which look for
// what a fault does; how exactly it is timed is tested elsewhere.
const late = time.Second

// since reports whether a time is at least what it should be, and not much more.
func since(got, want time.Duration) bool {
	return got >= want-200*time.Microsecond && got < want+late
}

// Every fault that all origins know does to each of them what it says, and ends
// by itself.
func TestFaultsOfEveryOrigin(t *testing.T) {
	const length = 150 * time.Millisecond
	for _, s := range speakers() {
		for _, c := range []struct {
			fault control.Fault
			check func(*testing.T, *rig, *talk)
		}{
			{control.Fault{Kind: control.Stall}, func(t *testing.T, _ *rig, k *talk) {
				// A part of the stall is over before the question is asked.
				if got, took, err := k.ask(); got != k.base || err != nil || !since(took, length/3) {
					t.Errorf("%q, %v after %v", got, err, took)
				}
			}},
			{control.Fault{Kind: control.Latency, Latency: "60ms"}, func(t *testing.T, _ *rig, k *talk) {
				if got, took, err := k.ask(); got != k.base || err != nil || !since(took, 60*time.Millisecond) {
					t.Errorf("%q, %v after %v", got, err, took)
				}
			}},
			{control.Fault{Kind: control.Error}, func(t *testing.T, _ *rig, k *talk) {
				_ = k.c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // an error may be shorter
				if got, _, _ := k.ask(); !strings.Contains(got, k.failed) {
					t.Errorf("%q", got)
				}
			}},
			{control.Fault{Kind: control.Refuse}, func(t *testing.T, r *rig, k *talk) {
				if _, err := net.Dial("tcp", r.addr[0]); !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("connecting: %v", err)
				}
				if got, _, err := k.ask(); got != k.base || err != nil {
					t.Errorf("an open connection: %q, %v", got, err)
				}
			}},
			{control.Fault{Kind: control.Reset}, func(t *testing.T, r *rig, k *talk) {
				if _, _, err := k.hear(time.Now()); !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("an open connection: %v", err)
				}
				fresh, err := net.Dial("tcp", r.addr[0])
				if err == nil { // otherwise the reset came before the end of the call
					_, err = fresh.Read(make([]byte, 1))
					fresh.Close()
				}
				if !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("a new connection: %v", err)
				}
			}},
			{control.Fault{Kind: control.Truncate, Bytes: new(int64(7))}, func(t *testing.T, _ *rig, k *talk) {
				if got, _, err := k.ask(); len(got) >= len(k.base) || !strings.HasPrefix(k.base, got) || len(got) < 7 || err == nil {
					t.Errorf("%q, %v", got, err)
				}
			}},
			{control.Fault{Kind: control.Corrupt}, func(t *testing.T, _ *rig, k *talk) {
				got, _, err := k.ask()
				differ := 0
				for i := range min(len(got), len(k.base)) {
					if got[i] != k.base[i] {
						differ++
					}
				}
				if err != nil || differ != 1 {
					t.Errorf("%d bytes differ: %q, %v", differ, got, err)
				}
			}},
			{control.Fault{Kind: control.Trickle, Bytes: new(int64(20)), Every: "10ms"}, func(t *testing.T, _ *rig, k *talk) {
				want := time.Duration((len(k.base)-1)/20) * 10 * time.Millisecond
				if got, took, err := k.ask(); got != k.base || err != nil || !since(took, min(want, length)) {
					t.Errorf("%q, %v after %v, want %v", got, err, took, want)
				}
			}},
			{control.Fault{Kind: control.Bandwidth, Bandwidth: "2kB"}, func(t *testing.T, _ *rig, k *talk) {
				// 16 bytes each 8 ms; the last ones may go at once with the end.
				if got, took, err := k.ask(); got != k.base || err != nil || !since(took, 48*time.Millisecond) {
					t.Errorf("%q, %v after %v", got, err, took)
				}
			}},
			{control.Fault{Kind: control.Drain}, func(t *testing.T, r *rig, k *talk) {
				// HTTP says so with the next answer; the others have no words for it.
				want := ""
				if s.name == "http" {
					want = "Connection: close"
					if _, err := io.WriteString(k.c, k.request); err != nil {
						t.Fatal(err)
					}
				}
				rest, err := io.ReadAll(k.c)
				if err != nil || !strings.Contains(string(rest), want) || want == "" && len(rest) > 0 {
					t.Errorf("an open connection: %q, %v", rest, err)
				}
				fresh := r.dial()
				if s.login != nil {
					s.login(t, fresh)
				}
				_, err = io.WriteString(fresh, k.request)
				if got, readErr := io.ReadAll(fresh); err != nil || readErr != nil || len(got) < len(answerText) {
					t.Errorf("a new connection: %q, %v, %v", got, err, readErr)
				}
			}},
		} {
			if c.fault.Kind == control.Error && s.failed == "" {
				continue
			}
			t.Run(s.name+"/"+c.fault.Kind, func(t *testing.T) {
				t.Parallel()
				r := s.start(t)
				k := s.connect(t, r)
				c.fault.For = length.String()
				a := r.apply(c.fault)
				c.check(t, r, k)
				eventually(t, "the end of the fault", func() bool { return r.event(a.ID).EndNs > 0 })
				e := r.event(a.ID)
				if !since(time.Duration(e.EndNs-e.BeginNs), length) || e.Cleared {
					t.Errorf("in force for %v", time.Duration(e.EndNs-e.BeginNs))
				}
				if state, err := r.control.State(t.Context()); err != nil || len(state.Replicas[0].Faults) > 0 {
					t.Errorf("still in force: %+v, %v", state, err)
				}
				after := s.connect(t, r)
				if got, took, err := after.ask(); len(got) != len(k.base) || err != nil || took > late {
					t.Errorf("afterwards: %q, %v after %v", got, err, took)
				}
			})
		}
	}
}

// Every origin is named with the faults it does not know.
func TestFaultsThatAnOriginDoesNotKnow(t *testing.T) {
	all := map[string]control.Fault{
		control.Error: {}, control.KindState: {State: control.StateReadOnly}, control.Role: {Role: control.RoleReplica},
		control.Lag: {Lag: "1s"}, control.Limit: {}, control.Records: {Records: new("")},
	}
	unknown := map[string][]string{
		"http":  {control.KindState, control.Lag, control.Limit, control.Records, control.Role},
		"tcp":   {control.Error, control.KindState, control.Lag, control.Limit, control.Records, control.Role},
		"mysql": {control.Records},
		"redis": {control.Records},
		"dns":   {control.KindState, control.Lag, control.Limit, control.Role},
	}
	for _, s := range speakers() {
		r := s.start(t)
		var refused []string
		for kind, f := range all {
			f.Kind, f.For = kind, "1ms"
			if _, err := r.control.Apply(t.Context(), f); err != nil && strings.Contains(err.Error(), fmt.Sprintf("of %s origins", s.name)) && strings.Contains(err.Error(), "unknown kind") {
				refused = append(refused, kind)
			}
		}
		slices.Sort(refused)
		if want := unknown[s.name]; !slices.Equal(refused, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s refuses %v, want %v", s.name, refused, want)
		}
	}
}
