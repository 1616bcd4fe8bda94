package sidebyside

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"bench/internal/result"
)

// bench runs our generator. Where its own processor time is measured it waits as
// other programs do (--spin 0us).
func (b *bed) bench(ctx context.Context, url string, cpu int, args []string) (done, error) {
	argv := append([]string{
		b.o.Self, "load", url, "--connections", strconv.Itoa(connections), "--duration", b.o.Duration.String(),
		"--quiet", "--json", "-",
	}, args...)
	out, used, err := b.output(ctx, argv, cpu)
	if err != nil {
		return done{}, err
	}
	var l struct {
		result.Load
		Valid bool `json:"valid"`
	}
	if err := json.Unmarshal([]byte(out), &l); err != nil {
		return done{}, fmt.Errorf("reading the outcome of the load: %w", err)
	}
	return done{sent: l.Completed, failed: l.Failed, own: used, load: &l.Load, valid: l.Valid}, nil
}

// wrkOn runs wrk.
func (b *bed) wrkOn(ctx context.Context, url string, cpu int, args []string) (done, error) {
	argv := append([]string{wrk, "-t1", "-c" + strconv.Itoa(connections), fmt.Sprintf("-d%ds", b.seconds())}, args...)
	out, used, err := b.output(ctx, append(argv, url), cpu)
	if err != nil {
		return done{}, err
	}
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) > 2 && f[1] == "requests" && f[2] == "in" {
			n, err := strconv.ParseUint(f[0], 10, 64)
			return done{sent: n, own: used}, err
		}
	}
	return done{}, fmt.Errorf("wrk printed no count of requests: %s", out)
}

// h2loadOn runs h2load, nghttp2's load of HTTP/2.
func (b *bed) h2loadOn(ctx context.Context, url string, cpu int, args []string) (done, error) {
	argv := append([]string{h2load, "-t1", fmt.Sprintf("-D%d", b.seconds())}, args...)
	out, used, err := b.output(ctx, append(argv, url), cpu)
	if err != nil {
		return done{}, err
	}
	d, err := h2loadCounts(out)
	d.own = used
	return d, err
}

// h2loadCounts reads its line of counts: "requests: 9 total, 9 started, 9 done,
// 8 succeeded, 1 failed, ...".
func h2loadCounts(out string) (d done, err error) {
	for line := range strings.Lines(out) {
		counts, ok := strings.CutPrefix(line, "requests: ")
		if !ok {
			continue
		}
		for part := range strings.SplitSeq(counts, ",") {
			f := strings.Fields(part)
			if len(f) != 2 {
				continue
			}
			into := map[string]*uint64{"succeeded": &d.sent, "failed": &d.failed}[f[1]]
			if into == nil {
				continue
			}
			if *into, err = strconv.ParseUint(f[0], 10, 64); err != nil {
				return d, err
			}
		}
		return d, nil
	}
	return d, fmt.Errorf("h2load printed no counts of requests: %s", out)
}

// seconds are those of a measurement, for programs that know whole ones only.
func (b *bed) seconds() int { return max(1, int(b.o.Duration.Seconds())) }
