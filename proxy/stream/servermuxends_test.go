package stream_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"bench/proxy/spec"
)

// ending is what a server does in the midst of its answers.
type ending struct {
	name string
	do   func(s *server2, ids []uint32)
	// last is how many of the requests it goes on with; reset: it gives up the first one; closes:
	// it says nothing more.
	last          int
	reset, closes bool
}

// endings are those that are tried.
func endings() (list []ending) {
	for last := range 4 {
		for _, code := range []http2.ErrCode{http2.ErrCodeNo, http2.ErrCodeInternal} {
			list = append(list, ending{name: fmt.Sprintf("GOAWAY %v behind %d", code, last), last: last, do: func(s *server2, ids []uint32) {
				_ = s.WriteGoAway(append([]uint32{0}, ids...)[last], code, []byte("bye"))
			}})
		}
	}
	list = append(list, ending{name: "GOAWAY behind all that may come, and behind two", last: 2, do: func(s *server2, ids []uint32) {
		_ = s.WriteGoAway(1<<31-1, http2.ErrCodeNo, nil)
		_ = s.WriteGoAway(ids[1], http2.ErrCodeNo, nil)
	}})
	for _, code := range []http2.ErrCode{http2.ErrCodeNo, http2.ErrCodeCancel, http2.ErrCodeRefusedStream, http2.ErrCodeInternal} {
		list = append(list, ending{name: fmt.Sprintf("RST_STREAM %v", code), last: 3, reset: true, do: func(s *server2, ids []uint32) { _ = s.WriteRSTStream(ids[0], code) }})
	}
	return append(list,
		ending{name: "end", closes: true, do: func(s *server2, _ []uint32) { _ = s.c.(*net.TCPConn).CloseWrite() }},
		ending{name: "reset of TCP", closes: true, do: func(s *server2, _ []uint32) { _ = s.c.(*net.TCPConn).SetLinger(0); s.c.Close() }},
		ending{name: "half a frame", closes: true, do: func(s *server2, _ []uint32) { _, _ = s.c.Write([]byte{0, 1, 0, 0, 0, 0}); s.c.Close() }},
		ending{name: "noise", last: 3, do: func(s *server2, ids []uint32) {
			_ = s.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}, http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0}, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0})
			_ = s.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1}, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 100})
			_ = s.WritePing(false, [8]byte{1})
			_ = s.WritePriority(ids[0], http2.PriorityParam{StreamDep: ids[2]})
			_ = s.WriteWindowUpdate(ids[1], 1)
			_ = s.WriteWindowUpdate(0, 1<<30)
			_ = s.WriteRawFrame(0x99, 0xff, ids[2], []byte("?"))
		}},
	)
}

// A server of HTTP/2 that leaves, resets or breaks off behind any frame of three answers at a
// time costs no more than it has to: what it goes on with arrives whole, what it has not taken is
// asked for again, and nothing is ever delivered as whole that is not.
func TestServerMuxEndsAnywhere(t *testing.T) {
	const (
		sent   = 1500
		size   = 2400
		frames = 9 // of three answers
	)
	for _, e := range endings() {
		t.Run(e.name, func(t *testing.T) {
			var at atomic.Int64
			var first atomic.Bool
			got := [3]atomic.Bool{}    // the whole request has come once, as it was sent
			place := [3]atomic.Int64{} // of each request among those that came: not always as they were sent
			addr := servers2(t, nil, func(s *server2) {
				special := first.CompareAndSwap(true, false)
				ids, bodies, paths := []uint32{}, map[uint32][]byte{}, map[uint32]int{}
				answer := func(id uint32, part int) {
					switch part {
					case 0:
						s.head(id, false, ":status=200", fmt.Sprintf("content-length=%d", size))
					case 1:
						_ = s.WriteData(id, false, pattern(size)[:1000])
					default:
						_ = s.WriteData(id, true, pattern(size)[1000:])
					}
				}
				for {
					f, err := s.ReadFrame()
					if err != nil {
						return
					}
					id := f.Header().StreamID
					switch f := f.(type) {
					case *http2.SettingsFrame:
						if !f.IsAck() {
							_ = s.WriteSettingsAck()
						}
						continue
					case *http2.MetaHeadersFrame:
						ids = append(ids, id)
						n := 0
						_, _ = fmt.Sscanf(f.PseudoValue("path"), "/%d", &n)
						paths[id] = n
						continue
					case *http2.DataFrame:
						bodies[id] = append(bodies[id], f.Data()...)
						if !f.StreamEnded() {
							continue
						}
					default:
						continue
					}
					if bytes.Equal(bodies[id], pattern(sent)) {
						got[paths[id]].Store(true)
					} else {
						t.Errorf("%s: request %d has come otherwise", e.name, paths[id])
					}
					if !special {
						for part := range 3 {
							answer(id, part)
						}
						continue
					}
					if len(bodies) < 3 {
						continue
					}
					slices.Sort(ids)
					for i, id := range ids {
						place[paths[id]].Store(int64(i))
					}
					for step := range frames + 1 {
						if int64(step) == at.Load() {
							e.do(s, ids)
							if e.closes {
								return
							}
						}
						who := step % 3
						past := int64(step) >= at.Load()
						if step == frames || past && (who >= e.last || e.reset && who == 0) {
							continue
						}
						answer(ids[who], step/3)
					}
					special = false
				}
			})
			rig := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) {
				speaking2(p)
				p.HTTPReuse = spec.ReuseAlways
				p.Options.HTTPBufferRequest = true
			}, discard{}, addr)
			for k := range frames + 1 {
				at.Store(int64(k))
				first.Store(true)
				outcomes := rig.threeAtOnce(sent, size)
				if first.Load() {
					t.Fatalf("behind frame %d: no connection was made", k)
				}
				rig.loop.Call(func() { rig.thread.CloseIdle(rig.backend.Servers()[0]) })
				for i, o := range outcomes {
					who := int(place[i].Load())
					begun, done := k > who, k > 6+who
					kept := !e.closes && who < e.last && !(e.reset && who == 0)
					refused := !e.closes && !e.reset || e.reset && strings.HasSuffix(e.name, "REFUSED_STREAM")
					switch {
					case o == "corrupt":
						t.Errorf("behind frame %d: answer %d is corrupt", k, who)
					case (kept || done || !begun && refused) && o != "whole":
						t.Errorf("behind frame %d: answer %d: %s", k, who, o)
					}
				}
			}
			for i := range got {
				if !got[i].Load() {
					t.Errorf("request %d has never come", i)
				}
			}
		})
	}
}

// threeAtOnce sends three requests over one connection and says what has become of each.
func (r *rig) threeAtOnce(sent, size int) (outcomes [3]string) {
	client := r.client2(1)
	defer client.CloseIdleConnections()
	client.Timeout = 20 * time.Second
	var all sync.WaitGroup
	for i := range outcomes {
		all.Go(func() {
			req, _ := http.NewRequest(http.MethodPost, fmt.Sprintf("http://%s/%d", r.addr, i), bytes.NewReader(pattern(sent))) //nolint:noctx // the client has a time-out
			resp, err := client.Do(req)
			if err != nil {
				outcomes[i] = err.Error()
				return
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			switch {
			case resp.StatusCode != http.StatusOK:
				outcomes[i] = resp.Status
			case !bytes.HasPrefix(pattern(size), body):
				outcomes[i] = "corrupt"
			case err != nil:
				outcomes[i] = fmt.Sprintf("cut at %d: %v", len(body), err)
			case len(body) != size:
				outcomes[i] = "corrupt"
			default:
				outcomes[i] = "whole"
			}
		})
		time.Sleep(2 * time.Millisecond) // in order
	}
	all.Wait()
	return outcomes
}
