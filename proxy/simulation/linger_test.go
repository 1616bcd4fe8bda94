package simulation

import (
	"strings"
	"testing"
	"time"

	"bench/internal/virtual"
)

// An answer that comes before its request has been sent, on a connection that is closed
// behind it, is not destroyed while a slow client goes on sending; but nobody is waited for
// who pauses for two seconds, or who has no end.
func TestClientsThatGoOnSending(t *testing.T) {
	for _, c := range []struct {
		name       string
		body, size int
		delay      time.Duration
		low, high  time.Duration // of how long the connection lasts behind the answer
		wholeAlone bool          // the client has all of the answer, at once
	}{
		{name: "to the end", body: 13190, size: 11878, low: 2100 * time.Millisecond, high: 5 * time.Second, wholeAlone: true},
		{name: "with pauses", body: 13190, size: 11878, delay: 2200 * time.Millisecond, low: 3500 * time.Millisecond, high: 15 * time.Second},
		{name: "for too long", body: 400_000, size: 200_000, low: 30 * time.Second, high: 31 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &Plan{
				Seed: 1, Threads: 1, Edges: true, Servers: []string{""}, Turn: 20 * time.Millisecond,
				Link:  virtual.Link{Room: 64 << 10},
				Proxy: []string{"timeout client 20m", "timeout server 20m", "timeout connect 20m"},
				// What a client that is cut off does then is no concern here.
				Hostile: !c.wholeAlone,
				Clients: []Client{{
					Link:   virtual.Link{Seed: 7, Delay: int64(c.delay), Piece: 60, Pieces: 1 << 20, Room: 1 << 20},
					Window: 1 << 20,
					Requests: []Request{{
						ID: 1, Method: "PUT", Body: c.body,
						Answer: Answer{Status: 200, Size: c.size, Framing: ByLength, Close: true, Early: true},
					}},
				}},
			}
			var answered, closed time.Duration
			client := ""
			o := Run(p, func(at time.Duration, what string) {
				kind, rest, _ := strings.Cut(what, " ")
				fd, _, _ := strings.Cut(rest, ":")
				switch {
				case kind == "accept" && client == "":
					client = fd
				case kind == "shutdown" && fd == client && answered == 0:
					answered = at
				case kind == "close" && fd == client && closed == 0:
					closed = at
				}
			})
			if len(o.Broken) > 0 {
				t.Error(o.Broken)
			}
			if lasted := closed - answered; answered == 0 || lasted < c.low || lasted > c.high {
				t.Errorf("answered at %v, closed at %v: want %v to %v between them", answered, closed, c.low, c.high)
			}
		})
	}
}
