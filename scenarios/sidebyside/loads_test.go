package sidebyside

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/internal/testpeer"
)

func TestCountsOfH2load(t *testing.T) {
	const out = "starting benchmark...\nfinished in 1.00s, 9321.00 req/s, 1.61MB/s\n" +
		"requests: 9410 total, 9410 started, 9323 done, 9321 succeeded, 2 failed, 0 errored, 0 timeout\n" +
		"status codes: 9321 2xx, 0 3xx, 2 4xx, 0 5xx\n"
	if d, err := h2loadCounts(out); err != nil || d.sent != 9321 || d.failed != 2 {
		t.Errorf("%+v, %v", d, err)
	}
	for _, bad := range []string{"", "status codes: 1 2xx\n", "requests: many succeeded, 2 failed\n"} {
		if d, err := h2loadCounts(bad); err == nil {
			t.Errorf("%q: %+v", bad, d)
		}
	}
}

// A tail counts only where the generator vouches for it and nothing failed.
func TestTailsThatCount(t *testing.T) {
	load := func(n uint64) *result.Load {
		l := &result.Load{}
		l.Response.Count, l.Response.P999 = n, 700
		return l
	}
	for _, c := range []struct {
		d    done
		want float64
	}{
		{done{load: load(10_000), valid: true}, 700},
		{done{load: load(9_999), valid: true}, 0},
		{done{load: load(10_000)}, 0},
		{done{load: load(10_000), valid: true, failed: 1}, 0},
		{done{}, 0},
	} {
		if got := counted(c.d); got != c.want {
			t.Errorf("%+v: %v, want %v", c.d, got, c.want)
		}
	}
	// The pair with a turn that did not count is left out.
	if got := medianRatio([]float64{150, 300, 200}, []float64{100, 0, 200}); got != (Ratio{Median: 1.25, Low: 1, High: 1.5}) {
		t.Errorf("got %+v", got)
	}
}

// Both programs take the configuration of each job, and have no warning for it.
func TestConfigurationsOfJobs(t *testing.T) {
	haproxy, self := testpeer.Need(t, "haproxy"), built(t)
	for _, j := range jobs() {
		t.Run(j.name, func(t *testing.T) {
			b := &bed{dir: t.TempDir()}
			defer b.undo()
			text, err := b.config(&j, "", "127.0.0.1:9", 9, 1000)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(b.dir, "job.cfg")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, program := range [][]string{{self, "proxy"}, {haproxy}} {
				argv := append(program, "-c", "-f", file)
				out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
				warnings := strings.Count(string(out), "[WARNING]")
				if strings.Contains(string(out), "'tune.pool-low-fd-ratio' is accepted without effect") {
					warnings--
				}
				if err != nil || warnings > 0 {
					t.Errorf("%s: %v\n%s\n%s", program[0], err, out, text)
				}
			}
		})
	}
}
