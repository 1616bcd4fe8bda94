package session_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"bench/internal/hosts/hub"
	"bench/internal/hosts/wire"
	"bench/internal/loop"
)

// processorTime is what this process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Many hosts send a slice of a timeline a second, each at a moment of its own, and one
// reader takes all of them. BENCH_HOSTS says how many: it is a measurement, which
// docs/MACHINES.md has.
func TestManyHosts(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("BENCH_HOSTS"))
	if err != nil {
		n = 20
	}
	h, err := hub.Start(hub.Options{Listen: "127.0.0.1:0", Store: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	reader, err := wire.Connect(h.RunAddress(h.Listens()), wire.Options{Name: wire.ClientOfRun("r")})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	js, err := jetstream.New(reader)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*patience)
	defer cancel()
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: wire.Stream("r"), Subjects: []string{wire.AnyOutput("r")}, Discard: jetstream.DiscardNew, MaxBytes: 2 << 30}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var lags []time.Duration
	c, err := js.OrderedConsumer(ctx, wire.Stream("r"), jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	consume, err := c.Consume(func(m jetstream.Msg) {
		lag := time.Duration(loop.Nanotime() - int64(binary.BigEndian.Uint64(m.Data())))
		mu.Lock()
		defer mu.Unlock()
		lags = append(lags, lag)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer consume.Stop()
	const rounds, size = 5, 20 << 10
	var joined, done sync.WaitGroup
	var sent atomic.Int64
	begin := make(chan struct{})
	dials := make(chan struct{}, 32)
	for i := range n {
		joined.Add(1)
		done.Go(func() {
			name := fmt.Sprintf("h%d", i)
			dials <- struct{}{}
			nc, err := wire.Connect(h.JoinAddress(h.Listens()), wire.Options{Name: wire.ClientOfHost(name)})
			<-dials
			joined.Done()
			if err != nil {
				t.Error(err)
				return
			}
			defer nc.Close()
			<-begin
			time.Sleep(time.Duration(i) * time.Second / time.Duration(n))
			for range rounds {
				next := time.Now().Add(time.Second)
				data := make([]byte, size)
				binary.BigEndian.PutUint64(data, uint64(loop.Nanotime()))
				if _, err := nc.RequestMsg(&nats.Msg{Subject: wire.Output("r", name, "p1"), Data: data}, patience); err != nil {
					t.Error(err)
					return
				}
				sent.Add(1)
				time.Sleep(time.Until(next))
			}
		})
	}
	joined.Wait()
	used, began := processorTime(), time.Now()
	close(begin)
	done.Wait()
	used = processorTime() - used
	took := time.Since(began)
	eventually(t, "everything sent is read", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(lags) == int(sent.Load())
	})
	slices.Sort(lags)
	status, _ := os.ReadFile("/proc/self/status")
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	peak, _, _ = strings.Cut(strings.TrimSpace(peak), "\n")
	t.Logf("%d hosts, %d KiB a second each: %d messages, lag p50 %v, p99 %v, max %v; %.0f %% of a processor and %s of memory for all of it, hosts included",
		n, size>>10, len(lags), lags[len(lags)/2], lags[len(lags)*99/100], lags[len(lags)-1], 100*used.Seconds()/took.Seconds(), peak)
	if len(lags) != n*rounds {
		t.Errorf("%d messages of %d", len(lags), n*rounds)
	}
}
