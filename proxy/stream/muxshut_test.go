package stream_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"bench/proxy/spec"
)

// A client that never opens the window of a stream costs that stream when its time is over, and
// no other one on the connection.
func TestMuxWindowThatStaysShut(t *testing.T) {
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Timeouts.Client = 300 * time.Millisecond }, origin(t, digesting))
	p := rig.peer2()
	p.must(p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}))
	begun := time.Now()
	p.head(1, true, ":method=GET", ":scheme=http", ":authority=x", ":path=/?n=100")
	p.expect(1, ":status=200 ")
	p.head(3, true, ":method=HEAD", ":scheme=http", ":authority=x", ":path=/?n=100") // it is served meanwhile
	p.expect(3, ":status=200 ")
	if late, d := p.next(1), time.Since(begun); late != "reset CANCEL" || d < 250*time.Millisecond || d > 5*time.Second {
		t.Errorf("%q after %v", late, d)
	}
	p.head(5, true, ":method=HEAD", ":scheme=http", ":authority=x", ":path=/?n=100")
	p.expect(5, ":status=200 ")
}

// A server that never opens the window of a request costs that one when its time is over; others
// on the connection go on, whatever window it had announced.
func TestServerMuxWindowThatStaysShut(t *testing.T) {
	addr := servers2(t, []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: 10}}, func(s *server2) {
		for f := s.request(); f != nil; f = s.request() {
			if f.PseudoValue("path") == "/go" {
				s.head(f.StreamID, true, ":status=200")
			}
		}
	})
	rig := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) {
		speaking2(p)
		p.HTTPReuse = spec.ReuseAlways
		p.Timeouts.Server = 500 * time.Millisecond
	}, discard{}, addr)
	client := rig.client2(0)
	done := make(chan int)
	go func() {
		resp, err := client.Post(fmt.Sprintf("http://%s/stay", rig.addr), "", bytes.NewReader(make([]byte, 100_000))) //nolint:noctx // the client has a time-out
		if err != nil {
			t.Error(err)
			done <- 0
			return
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		done <- resp.StatusCode
	}()
	time.Sleep(100 * time.Millisecond)
	for range 3 {
		resp, err := client.Get(fmt.Sprintf("http://%s/go", rig.addr)) //nolint:noctx // as above
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s meanwhile", resp.Status)
		}
	}
	if status := <-done; status != http.StatusGatewayTimeout {
		t.Errorf("the request that was not taken: %d", status)
	}
}
