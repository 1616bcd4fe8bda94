package capacity

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/reports/internal/fixture"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	file = filepath.Join("testdata", file)
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
		t.Errorf("%s differs (-update renews it), got:\n%s", file, got)
	}
}

func TestSummaryAndMarkdown(t *testing.T) {
	for _, name := range fixture.Capacities() {
		r := fixture.Capacity(name)
		var out bytes.Buffer
		if err := Print(&out, r, "capacity.json, capacity.html in out", false); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".txt", out.Bytes())
		md, err := Markdown(r, "capacity.svg")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".md", md)
		for _, text := range [][]byte{out.Bytes(), md} {
			for _, bad := range []string{"\x1b", "\u202e", "NaN", "Inf"} {
				if bytes.Contains(text, []byte(bad)) {
					t.Errorf("%s holds %q", name, bad)
				}
			}
		}
		if bytes.Contains(md, []byte("<i>")) || bytes.Contains(md, []byte("<script>")) {
			t.Errorf("%s: markup from outside in the Markdown", name)
		}
		out.Reset()
		if err := Print(&out, r, "here", true); err != nil {
			t.Fatal(err)
		}
		for _, c := range out.Bytes() {
			if c > 0x7e {
				t.Errorf("%s: more than ASCII: %q", name, out.String())
				break
			}
		}
	}
}

// What a search says as it goes on: lines without escapes where nothing can be redrawn, and
// one that is redrawn above which lines grow where it can.
func TestConsole(t *testing.T) {
	show := func(c *Console) {
		r := fixture.Capacity("found")
		c.Begin("4", "bench capacity limited", r.Objectives, []string{"note: 2 events left out"})
		for i := range r.Trials[:4] {
			c.Trial(i+1, r.Trials[i].Rate, r.Trials[i].Seconds)
			c.Tried(&r.Trials[i], 200, 0, 81)
		}
		c.Tried(&result.Trial{Number: 5, Rate: 400, Seconds: 2, Invalid: "the generator was late"}, 200, 800, 3)
		c.End()
	}
	var plain, drawn bytes.Buffer
	show(&Console{Out: &plain, Axis: "proxy.threads"})
	golden(t, "console.txt", plain.Bytes())
	if strings.ContainsAny(plain.String(), "\r\x1b") {
		t.Errorf("escapes in %q", plain.String())
	}
	show(&Console{Out: &drawn, InPlace: true, ASCII: true})
	if n := strings.Count(drawn.String(), "\r\x1b[K"); n != 4 || !strings.Contains(drawn.String(), "trial 3: 800/s for 2 s\r\x1b[K") {
		t.Errorf("%d lines were redrawn: %q", n, drawn.String())
	}
}

func TestBounds(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{{0, 0, "? .. ?"}, {200, 0, "200 .. ?"}, {0, 800, "? .. 800"}, {389.5, 401, "390 .. 401"}} {
		if got := Bounds(c.low, c.high); got != c.want {
			t.Errorf("%v, %v: %q, want %q", c.low, c.high, got, c.want)
		}
	}
}
