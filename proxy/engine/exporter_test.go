package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"bench/internal/testpeer"
)

const metricsConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    maxconn 200
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 1s
frontend fe
    bind unix@%[1]s/fe
    description Where \"they\" come in
    option socket-stats
    http-request use-service prometheus-exporter if { path /metrics }
    http-response set-header x-response 1
    default_backend be
frontend tcpf
    mode tcp
    bind unix@%[1]s/tcp
    default_backend tb
backend be
    option httpchk
    server s1 127.0.0.1:1 check inter 100ms fall 1
    server s2 %[2]s weight 7 maxconn 9
    server s3 127.0.0.1:3 disabled
    server s4 %[2]s backup check inter 100ms rise 1
    server s5 127.0.0.1:1 check disabled
backend tb
    mode tcp
    server t1 %[2]s
backend none
    stick-table type ip size 100 expire 1m
backend names
    stick-table type string len 40 size 1k expire 1m
listen both
    bind unix@%[1]s/both
    http-request use-service prometheus-exporter if { path /metrics }
`

// clientOf connects to a socket of dir for each request.
func clientOf(dir, frontend string) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, frontend))
	}}}
}

// scrape asks for metrics over a socket of dir.
func scrape(t *testing.T, dir, frontend, query, accept string) (*http.Response, []byte) {
	t.Helper()
	c := clientOf(dir, frontend)
	req, err := http.NewRequest(http.MethodGet, "http://host/metrics"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, b
}

// varies are the metrics whose values depend on time, or on what the process is.
var varies = regexp.MustCompile(`_time_|_rate|_rate_|bytes_|_sessions|connections|haproxy_process_(nbthread|uptime|max_|hard|current|idle|pool|start|build|jobs|requests|listeners)|last_change|downtime|last_session|limit_sessions|duration|intercepted|responses_total|requests_total|loadbalanced`)

// series are the names and labels of a text, sorted, with values where these do not vary.
func series(text []byte) []string {
	var list []string
	for l := range strings.Lines(string(text)) {
		l = strings.TrimSpace(l)
		name, value, _ := strings.Cut(l, " ")
		if i := strings.LastIndexByte(l, ' '); i > 0 && l[0] != '#' {
			name, value = l[:i], l[i+1:]
		}
		switch {
		case l == "" || strings.HasPrefix(l, "# HELP"):
		case l[0] == '#':
			list = append(list, l)
		case varies.MatchString(name):
			list = append(list, regexp.MustCompile(`version="[^"]*"`).ReplaceAllString(name, "version"))
		default:
			list = append(list, name+" "+value)
		}
	}
	slices.Sort(list)
	return list
}

// The exporter has every metric of the reference's, with the same labels, types and
// values, in the same scopes, and histograms besides.
func TestMetricsAreTheReferences(t *testing.T) {
	bin := testpeer.Need(t, "haproxy")
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer origin.Close()
	addr := strings.TrimPrefix(origin.URL, "http://")
	theirs, ours := t.TempDir(), t.TempDir()
	file := filepath.Join(theirs, "cfg")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(metricsConfig, theirs, addr)), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, exec.Command(bin, "-db", "-f", file))
	startConfig(t, fmt.Sprintf(metricsConfig, ours, addr))
	for _, dir := range []string{theirs, ours} {
		for range 500 {
			if b, err := os.Stat(filepath.Join(dir, "both")); err == nil && b != nil {
				if _, b := scrape(t, dir, "fe", "?scope=server", ""); bytes.Contains(b, []byte(`haproxy_server_check_status{proxy="be",server="s4",state="L7OK"} 1`)) &&
					bytes.Contains(b, []byte(`haproxy_server_check_status{proxy="be",server="s1",state="L4CON"} 1`)) {
					break
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	own := regexp.MustCompile(`^(# TYPE )?haproxy_(backend|server)_(queue|connect|response|total)_time_seconds(_bucket|_sum|_count)?[ {]`)
	for _, query := range []string{
		"", "?scope=*", "?scope=global", "?scope=frontend", "?scope=listener", "?scope=backend", "?scope=server", "?scope=sticktable", "?scope=", "?scope", "?scope=nonsense", "?scope=process",
		"?scope=frontend&scope=server", "?scope=frontend&scope=&scope=server", "?scope=frontend&scope=*", "?no-maint", "?no-maint&scope=server", "?no-maint=1&scope=server", "?other&scope=global", "?scope=fr%6fntend", "?scope=%zz",
	} {
		theirResp, theirText := scrape(t, theirs, "fe", query, "")
		ourResp, ourText := scrape(t, ours, "fe", query, "")
		for _, name := range []string{"content-type", "cache-control", "x-response"} {
			if w, g := theirResp.Header.Get(name), ourResp.Header.Get(name); w != g {
				t.Errorf("%q: %s is %q, the reference has %q", query, name, g, w)
			}
		}
		if theirResp.StatusCode != ourResp.StatusCode {
			t.Errorf("%q: status %d, the reference has %d", query, ourResp.StatusCode, theirResp.StatusCode)
		}
		if theirResp.StatusCode != 200 {
			continue
		}
		got := slices.DeleteFunc(series(ourText), own.MatchString)
		want := series(theirText)
		for range 20 { // in the middle of a check its code is 0
			if slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
				break
			}
			_, theirText = scrape(t, theirs, "fe", query, "")
			_, ourText = scrape(t, ours, "fe", query, "")
			got, want = slices.DeleteFunc(series(ourText), own.MatchString), series(theirText)
		}
		for _, l := range want {
			if !slices.Contains(got, l) {
				t.Errorf("%q: no %s", query, l)
			}
		}
		for _, l := range got {
			if !slices.Contains(want, l) {
				t.Errorf("%q: %s, which the reference has not", query, l)
			}
		}
	}
}

// What scrapers of Prometheus make of both forms is the same, and the one with native
// histograms has those.
func TestMetricsAreReadByTheClientLibrary(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer origin.Close()
	dir := t.TempDir()
	odd := strings.Replace(metricsConfig, "frontend tcpf\n", "frontend tcpf\n    description caf\xe9\\\\n{},\n", 1)
	startConfig(t, fmt.Sprintf(odd, dir, strings.TrimPrefix(origin.URL, "http://")))
	for range 50 {
		scrapeOther(t, dir)
	}
	_, plain := scrape(t, dir, "fe", "?extra-counters&desc-labels", "")
	parser := expfmt.NewTextParser(model.LegacyValidation)
	fromText, err := parser.TextToMetricFamilies(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	// As the scraper of Prometheus asks for it.
	accept := "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
	resp, raw := scrape(t, dir, "fe", "?extra-counters&desc-labels", accept)
	fromBinary := map[string]*dto.MetricFamily{}
	for d := expfmt.NewDecoder(bytes.NewReader(raw), expfmt.ResponseFormat(resp.Header)); ; {
		var f dto.MetricFamily
		if err := d.Decode(&f); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		fromBinary[f.GetName()] = &f
	}
	if len(fromText) < 200 || len(fromText) != len(fromBinary) {
		t.Errorf("%d families in text, %d in the binary form", len(fromText), len(fromBinary))
	}
	for name, f := range fromText {
		b := fromBinary[name]
		if b == nil || b.GetType() != f.GetType() || b.GetHelp() != f.GetHelp() || len(b.Metric) != len(f.Metric) || len(f.Metric) == 0 {
			t.Errorf("%s differs: %v", name, b)
			continue
		}
		for i, m := range f.Metric {
			if fmt.Sprint(m.Label) != fmt.Sprint(b.Metric[i].Label) {
				t.Errorf("%s: %v and %v", name, m.Label, b.Metric[i].Label)
			}
		}
	}
	h := find(t, fromBinary["haproxy_backend_total_time_seconds"], "be").Histogram
	if h.GetSchema() != 2 || h.GetSampleCount() != 50 || len(h.PositiveSpan) == 0 || h.GetSampleSum() <= 0 {
		t.Errorf("the native histogram is %v", h)
	}
	n, count, at := int64(h.GetZeroCount()), int64(0), 0
	for _, s := range h.PositiveSpan {
		for range s.GetLength() {
			count += h.PositiveDelta[at]
			n += count
			at++
		}
	}
	if n != 50 || at != len(h.PositiveDelta) {
		t.Errorf("%d in the buckets, %d of %d differences used", n, at, len(h.PositiveDelta))
	}
	if empty := find(t, fromBinary["haproxy_backend_total_time_seconds"], "tb").Histogram; len(empty.PositiveSpan) == 0 || empty.GetSampleCount() != 0 {
		t.Errorf("a native histogram of nothing is not told from another: %v", empty)
	}
	classic := find(t, fromText["haproxy_backend_total_time_seconds"], "be").Histogram
	buckets := classic.Bucket
	if last := buckets[len(buckets)-1]; last.GetCumulativeCount() != 50 || !math.IsInf(last.GetUpperBound(), 1) || !slices.IsSortedFunc(buckets, func(a, b *dto.Bucket) int { return int(a.GetCumulativeCount()) - int(b.GetCumulativeCount()) }) {
		t.Errorf("the buckets are %v", buckets)
	}
	if desc := label(find(t, fromText["haproxy_frontend_status"], "fe"), "desc"); desc != `Where "they" come in` {
		t.Errorf("the description is %q", desc)
	}
	for _, f := range []map[string]*dto.MetricFamily{fromText, fromBinary} {
		if desc := label(find(t, f["haproxy_frontend_status"], "tcpf"), "desc"); desc != "caf\ufffd\\n{}," {
			t.Errorf("the description is %q", desc)
		}
	}
	if fromText["haproxy_frontend_h1_total_connections"] == nil {
		t.Error("no extra counters")
	}
}

// scrapeOther sends a request to the backend.
func scrapeOther(t *testing.T, dir string) {
	t.Helper()
	resp, err := clientOf(dir, "fe").Get("http://host/other")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.Label {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// find is the metric of a proxy.
func find(t *testing.T, f *dto.MetricFamily, proxy string) *dto.Metric {
	t.Helper()
	for _, m := range f.GetMetric() {
		if label(m, "proxy") == proxy {
			return m
		}
	}
	t.Fatalf("%s has nothing of %s", f.GetName(), proxy)
	return nil
}
