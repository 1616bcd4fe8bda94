package difftest

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// spreadServers is of how many servers the checks are spread.
const spreadServers = 24

// spreadOrigin takes the checks of many servers, each at an address of its own, and notes
// when they come.
func spreadOrigin(t *testing.T) (port int, times func() map[string][]time.Time) {
	t.Helper()
	l, err := net.Listen("tcp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	at := map[string][]time.Time{}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(c.LocalAddr().String())
			mu.Lock()
			at[host] = append(at[host], time.Now())
			mu.Unlock()
			_ = c.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close(); accepting.Wait() })
	return l.Addr().(*net.TCPAddr).Port, func() map[string][]time.Time {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(at)
	}
}

func startSpread(t *testing.T, s *subject) func() map[string][]time.Time {
	t.Helper()
	port, times := spreadOrigin(t)
	conf := fmt.Sprintf(timesConf, 9, "    spread-checks 20") + "backend spread\n    option redis-check\n"
	for i := range spreadServers {
		conf += fmt.Sprintf("    server s%d 127.0.0.%d:%d check inter 1s fastinter 1s downinter 1s\n", i, 11+i, port)
	}
	startTimedProxy(t, s, conf)
	return times
}

// spreadAsDocumented holds checks to the manual ("spread-checks"): the time from one to the
// next varies by up to so many percent, either way, and all of that is made use of.
func spreadAsDocumented(t *testing.T, name string, at map[string][]time.Time) {
	t.Helper()
	var all []time.Duration
	for _, times := range at {
		all = append(all, gaps(times)...)
	}
	if len(at) != spreadServers || len(all) < spreadServers*6 {
		t.Errorf("%s has checked %d servers %d times", name, len(at), len(all))
		return
	}
	slices.Sort(all)
	var sum time.Duration
	for _, d := range all {
		sum += d
	}
	low, high, mean := all[0], all[len(all)-1], sum/time.Duration(len(all))
	if low < ms(780) || low > ms(870) || high < ms(1130) || high > ms(1400) || !near(mean, time.Second) {
		t.Errorf("%s: from check to check from %v to %v, %v in the mean; want 1 s, 20%% more or less", name, low, high, mean)
	}
}
