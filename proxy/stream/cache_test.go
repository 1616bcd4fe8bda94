package stream_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"bench/proxy/compress"
	"bench/proxy/spec"
	"bench/proxy/stream"
	"bench/proxy/txn"
)

// useAndStore are rules about the first cache.
type useAndStore struct{}

func (useAndStore) Run(x *txn.Txn, _ *txn.Outcome) txn.Verdict {
	if x.Res != nil {
		x.Stream.StoreCache(0)
	} else {
		x.Stream.UseCache(0)
	}
	return txn.Next
}

// All of a response that was kept is given, over either protocol, encoded or not, to many at
// a time and to slow readers; one that was cut off is not kept.
func TestCached(t *testing.T) {
	const large = 3 << 20
	rules := stream.Rules{Request: useAndStore{}, Response: useAndStore{}}
	var asked, cut atomic.Int32
	addr := origin(t, piecemeal(5, func(path string) {
		asked.Add(1)
		if path == "/cut" {
			cut.Add(1)
		}
	}))
	for _, encoded := range []bool{false, true} {
		asked.Store(0)
		cut.Store(0)
		rig := newRigCached(t, spec.ModeHTTP, func(p *spec.Proxy) {
			if encoded {
				p.Compression = &spec.Compression{Algorithms: []compress.Algorithm{compress.Identity}}
			}
		}, rules, &spec.Cache{Name: "c", Total: 64 << 20, Object: 8 << 20, MaxAge: 60}, nil, addr)
		client1 := &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16}}
		ask := func(client *http.Client, path string, n int) error {
			resp, err := client.Get(fmt.Sprintf("http://%s%s?n=%d", rig.addr, path, n))
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if err == nil && !bytes.Equal(got, pattern(n)) {
				err = fmt.Errorf("%d bytes are not the %d that were sent", len(got), n)
			}
			return err
		}
		client2 := rig.client2(0)
		sizes := []int{0, 1, 5000, 70_000, large}
		for _, path := range []string{"/length", "/chunked"} {
			for _, n := range sizes {
				if err := ask(client1, path, n); err != nil {
					t.Fatalf("%s, %d bytes: %v", path, n, err)
				}
			}
		}
		first := asked.Load()
		var all sync.WaitGroup
		for _, client := range []*http.Client{client1, client2, client1, client2} {
			all.Go(func() {
				for _, path := range []string{"/length", "/chunked"} {
					for _, n := range sizes {
						if err := ask(client, path, n); err != nil {
							t.Errorf("%s, %d bytes: %v", path, n, err)
						}
					}
				}
			})
		}
		all.Wait()
		if now := asked.Load(); now != first {
			t.Errorf("the origin was asked %d times more", now-first)
		}
		for range 2 {
			if err := ask(client1, "/cut", 100_000); err == nil {
				t.Error("a response that was cut off is not")
			}
		}
		if cut.Load() < 2 {
			t.Error("a response that was cut off was kept")
		}
		client1.CloseIdleConnections()
	}
}

// emptyAtFirst is useAndStore, and makes the first response one without content.
type emptyAtFirst struct{ responses *atomic.Int32 }

func (r emptyAtFirst) Run(x *txn.Txn, out *txn.Outcome) txn.Verdict {
	v := useAndStore{}.Run(x, out)
	if x.Res != nil && r.responses.Add(1) == 1 {
		x.Res.Status = 204
	}
	return v
}

// A response whose content rules have withheld is not kept as one without any.
func TestWithheldIsNotCached(t *testing.T) {
	r := emptyAtFirst{new(atomic.Int32)}
	addr := origin(t, piecemeal(5, func(string) {}))
	rig := newRigCached(t, spec.ModeHTTP, nil, stream.Rules{Request: r, Response: r},
		&spec.Cache{Name: "c", Total: 64 << 20, Object: 8 << 20, MaxAge: 60}, nil, addr)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	for i, want := range []int{204, 200, 200} {
		resp, err := client.Get(fmt.Sprintf("http://%s/length?n=5000", rig.addr))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || err != nil || want == 200 && !bytes.Equal(got, pattern(5000)) {
			t.Errorf("answer %d: status %d with %d bytes (%v)", i, resp.StatusCode, len(got), err)
		}
	}
}
