package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/reports/internal/fixture"
	"bench/reports/pollers"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-update renews it)", file)
	}
}

func TestPollersPage(t *testing.T) {
	page, err := Pollers(fixture.Pollers())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/pollers.html", page)
	again, err := Pollers(fixture.Pollers())
	if err != nil || !bytes.Equal(page, again) {
		t.Error("the same result gives other bytes")
	}
	for _, bad := range []string{"NaN", "Inf", "ZgotmplZ", "<script", "no value"} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("the page holds %q", bad)
		}
	}
}

// Names come from a file that anybody may have written.
func TestPollersPageIsSafe(t *testing.T) {
	r := fixture.Pollers()
	r.Works[0].Title, r.Command = "<script>alert(1)</script>", "\x1b[31m\u202e<b>"
	r.Contestants[0].Name, r.Contestants[0].Poller = "<i>", "\"><i>"
	page, err := Pollers(r)
	if err != nil {
		t.Fatal(err)
	}
	m, err := pollers.MeasureNamed("cpu")
	if err != nil {
		t.Fatal(err)
	}
	picture, err := PollersPicture(r, "idle", m)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script>", "<i>", "\x1b", "\u202e"} {
		if bytes.Contains(page, []byte(bad)) || bytes.Contains(picture, []byte(bad)) {
			t.Errorf("%q got through", bad)
		}
	}
}

func TestPollersPicture(t *testing.T) {
	for key, file := range map[string]string{"cpu": "testdata/pollers.svg", "rate": "testdata/pollers-rate.svg"} {
		m, err := pollers.MeasureNamed(key)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := PollersPicture(fixture.Pollers(), "idle", m)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, file, picture)
		for d := xml.NewDecoder(bytes.NewReader(picture)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s is no XML: %v", file, err)
			}
		}
		if _, err := PollersPicture(fixture.Pollers(), "churn", m); err == nil || !strings.Contains(err.Error(), "there is idle, active") {
			t.Errorf("a work that was not measured: %v", err)
		}
	}
}

// select's line ends where its descriptors do, and its label stands there.
func TestPollerPlots(t *testing.T) {
	r := fixture.Pollers()
	m, err := pollers.MeasureNamed("cpu")
	if err != nil {
		t.Fatal(err)
	}
	plots := pollerPlots(r, &r.Works[0], m)
	if len(plots) != 2 || len(plots[0].Lines) != 4 || len(plots[1].Lines) != 3 {
		t.Fatalf("%d plots", len(plots))
	}
	byName := map[string]pollerLine{}
	for _, l := range plots[0].Lines {
		byName[l.Name] = l
	}
	if n := len(byName["select"].Points); n != 3 || byName["select"].Label.X >= byName["epoll"].Label.X {
		t.Errorf("select has %d points and its label at %v", n, byName["select"].Label)
	}
	// 14 px at the least height.
	if d := byName["epoll"].Label.Y - byName["io_uring"].Label.Y; d < 14*100/plotPixels {
		t.Errorf("labels are %v %% apart", d)
	}
	// A hundred times as much is two decades higher, whatever the proxy.
	if plots[0].Y[0] != plots[1].Y[0] || len(plots[0].Y) != len(plots[1].Y) {
		t.Error("the charts beside each other have different axes")
	}
	for _, p := range plots {
		for _, l := range p.Lines {
			for _, at := range l.Points {
				if at.X < 0 || at.X > 100 || at.Y < 0 || at.Y > 100 {
					t.Errorf("%s: a point at %v", l.Name, at)
				}
			}
		}
	}
}

// A run so short that it reads 0 of something gets a chart, and an end to it.
func TestPollersWithZeros(t *testing.T) {
	w := &result.PollerWork{Name: "active", Rows: []result.PollerRow{{Active: 1, X: 1, Cells: []result.PollerCell{{
		Contestant: "epoll", Runs: []result.PollerRun{{CPUMicros: 0, Rate: 100, Requests: 5000}, {CPUMicros: 80, Rate: 100, Requests: 5000}},
	}}}}}
	for _, m := range pollers.Measures() {
		if s := newValueScale(w, &m); len(s.ticks) == 0 || len(s.ticks) > 40 {
			t.Errorf("%s: %d ticks", m.Key, len(s.ticks))
		}
	}
}
