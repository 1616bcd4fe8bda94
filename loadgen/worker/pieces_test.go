package worker

import (
	"bytes"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testserver"
	"bench/loadgen/http1"
	"bench/loadgen/workload"
)

// reader is a server that notes in how many reads each request came.
type reader struct {
	mu    sync.Mutex
	reads []int
}

func (r *reader) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	buf := make([]byte, 64<<10)
	for {
		var text []byte
		reads := 0
		for !complete(text) {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			text = append(text, buf[:n]...)
			reads++
		}
		r.mu.Lock()
		r.reads = append(r.reads, reads)
		r.mu.Unlock()
		_, _ = c.Write([]byte(okAnswer))
	}
}

// complete reports whether text is a request with its body.
func complete(text []byte) bool {
	head, body, ok := bytes.Cut(text, []byte("\r\n\r\n"))
	if !ok {
		return false
	}
	_, length, sized := strings.Cut(string(head), "Content-Length: ")
	length, _, _ = strings.Cut(length, "\r\n")
	n, _ := strconv.Atoi(length)
	return !sized || len(body) >= n
}

// TestPiecesComeApart sends requests in pieces, on new and on kept connections, small
// and with bodies that are not copied.
func TestPiecesComeApart(t *testing.T) {
	for name, c := range map[string]struct {
		body        int64
		perConn     int
		least, most float64
	}{
		"head": {0, 0, 4, 4}, "new connections": {0, 1, 4, 4},
		"body": {500, 0, 8, 8}, "large body": {100_000, 0, 8, 14}, // the kernel may cut it, too
	} {
		t.Run(name, func(t *testing.T) {
			var r reader
			s := checkedSpec(testserver.TCP(t, r.serve))
			s.Integrity, s.Pieces = nil, &workload.Pieces{Min: 4, Max: 4, PauseUs: 3000}
			s.Connections.RequestsPerConnection = c.perConn
			if c.body > 0 {
				s.HTTP.Requests[0].Method, s.HTTP.Requests[0].Body = "POST", http1.Body{Size: c.body}
			}
			load, err := Run(t.Context(), s, nil)
			if err != nil || load.Failed > 0 || load.Completed != 40 {
				t.Fatalf("%v, %d completed, %v", err, load.Completed, load.FailuresByCause)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			sum := 0
			for _, n := range r.reads {
				sum += n
			}
			// A reader that is late reads two pieces at once.
			if mean := float64(sum) / float64(len(r.reads)); mean < c.least*0.7 || mean > c.most {
				t.Errorf("%v reads for a request, want %v to %v", mean, c.least, c.most)
			}
		})
	}
}

// TestPiecesFollowFromTheSeed cuts the same request at the same places, each time, and
// within the bounds.
func TestPiecesFollowFromTheSeed(t *testing.T) {
	text := []byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nxxxxx")
	head := int64(bytes.Index(text, http1.HeadEnd) + 4)
	k := newCutter(&workload.Spec{Seed: 7, Pieces: &workload.Pieces{Min: 3, Max: 9}})
	seen := map[int]bool{}
	for seq := range uint64(1000) {
		var a, b pieces
		k.cut(&a, 100, text, 15, seq)
		k.cut(&b, 100, text, 15, seq)
		inHead, inBody := 1, 1
		last := int64(100)
		for i, at := range a.cuts {
			if at <= last || at >= 100+int64(len(text))+15 {
				t.Fatalf("request %d is cut at %v", seq, a.cuts)
			}
			if last = at; at < 100+head {
				inHead++
			} else if at > 100+head {
				inBody++
			}
			if b.cuts[i] != at {
				t.Fatalf("request %d is cut at %v and %v", seq, a.cuts, b.cuts)
			}
		}
		if inHead < 3 || inHead > 9 || inBody < 3 || inBody > 9 {
			t.Fatalf("%d pieces of the head and %d of the body: %v", inHead, inBody, a.cuts)
		}
		seen[inHead] = true
	}
	if len(seen) != 7 {
		t.Errorf("heads in %v pieces only", seen)
	}
	var one pieces
	k.cut(&one, 0, []byte("x"), 0, 1)
	if len(one.cuts) != 0 {
		t.Errorf("a byte is cut at %v", one.cuts)
	}
}

// TestTimeoutWithinAPause gives a request up that is not written yet.
func TestTimeoutWithinAPause(t *testing.T) {
	var r reader
	s := checkedSpec(testserver.TCP(t, r.serve))
	s.Integrity, s.Pieces = nil, &workload.Pieces{Min: 50, Max: 50, PauseUs: 200_000}
	s.TimeoutUs = 50_000
	began := time.Now()
	load, err := Run(t.Context(), s, nil)
	if err != nil || load.Failed != load.Requests || load.FailuresByCause["timeout"] != load.Requests {
		t.Errorf("%v, %v", err, load.FailuresByCause)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
}
