package hdr

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
)

func encode(t testing.TB, h *hdrhistogram.Histogram) string {
	t.Helper()
	b, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDecodeAgreesWithLibrary(t *testing.T) {
	for _, g := range []struct {
		low, high int64
		digits    int
	}{{1, 60e6, 3}, {1, 3600e6, 2}, {1, 60e6, 4}, {100, 60e6, 3}} {
		h := hdrhistogram.New(g.low, g.high, g.digits)
		r := rand.New(rand.NewPCG(1, 2))
		for range 5000 {
			if err := h.RecordValue(min(int64(math.Exp(r.NormFloat64()*2+6)), g.high)); err != nil {
				t.Fatal(err)
			}
		}
		var d Decoder
		for range 2 { // the second time with reused buffers
			got, err := d.Decode(encode(t, h))
			if err != nil {
				t.Fatal(err)
			}
			if got.N() != uint64(h.TotalCount()) || got.Max() != float64(h.Max()) {
				t.Errorf("%v: n %d max %v, want %d %d", g, got.N(), got.Max(), h.TotalCount(), h.Max())
			}
			for _, q := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
				if want := float64(h.ValueAtPercentile(q * 100)); got.Quantile(q) != want {
					t.Errorf("%v: q %v = %v, want %v", g, q, got.Quantile(q), want)
				}
			}
		}
	}
}

func TestDecodeRejects(t *testing.T) {
	h := hdrhistogram.New(1, 1000, 3)
	if err := h.RecordValue(7); err != nil {
		t.Fatal(err)
	}
	good := encode(t, h)
	var d Decoder
	for _, s := range []string{"!", "AAAA", good[:20], good[:len(good)-8], "AAAAAAAAAAAAAAAA"} {
		if _, err := d.Decode(s); err == nil {
			t.Errorf("%q: no error", s)
		}
	}
	if got, err := d.Decode(good); err != nil || got.N() != 1 {
		t.Errorf("after errors: %v %v", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	h := hdrhistogram.New(1, 60e6, 3)
	for v := int64(1); v < 60e6; v *= 3 {
		if err := h.RecordValue(v); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(encode(f, h))
	f.Fuzz(func(t *testing.T, s string) {
		var d Decoder
		dist, err := d.Decode(s)
		if err == nil && !slices.IsSortedFunc(dist, func(a, b Point) int { return int(int64(a.Value) - int64(b.Value)) }) {
			t.Errorf("not ascending: %v", dist)
		}
	})
}

func TestMerge(t *testing.T) {
	got := Merge(Dist{{1, 1}, {5, 2}}, nil, Dist{{2, 1}, {5, 1}})
	if !slices.Equal(got, Dist{{1, 1}, {2, 1}, {5, 3}}) {
		t.Errorf("merged to %v", got)
	}
	if got.Above(2) != 3 || got.Above(5) != 0 || got.Above(0) != 5 {
		t.Errorf("above: %d %d %d", got.Above(2), got.Above(5), got.Above(0))
	}
}

func TestEncodeAgreesWithLibrary(t *testing.T) {
	d := Dist{{Value: 0, Count: 1}, {Value: 1, Count: 2}, {Value: 3, Count: 70_000}, {Value: 2047, Count: 1}, {Value: 2049, Count: 5}, {Value: 61_439, Count: 3}, {Value: 3_600_000_000, Count: 1}}
	var e Encoder
	if _, err := e.EncodeDist(nil); err != nil { // the second time with reused buffers
		t.Fatal(err)
	}
	text, err := e.EncodeDist(d)
	if err != nil {
		t.Fatal(err)
	}
	h, err := hdrhistogram.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := hdrhistogram.New(1, LongestUs, LongDigits)
	for _, p := range d {
		if err := want.RecordValues(int64(p.Value), int64(p.Count)); err != nil {
			t.Fatal(err)
		}
	}
	if !h.Equals(want) {
		t.Errorf("read back as %v of %v", h.Export().Counts[:8], want.Export().Counts[:8])
	}
}
