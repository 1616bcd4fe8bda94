package openmetrics_test

import (
	"math"
	"testing"

	"bench/reports/internal/omcheck"
	"bench/reports/internal/openmetrics"
)

// What is written reads back the same, whatever the texts and numbers are, and families
// whose samples come in turns stand together.
func TestReadsBack(t *testing.T) {
	var f openmetrics.File
	values := []float64{0, 1, -1.5, 1e-9, 1e21, 0.1 + 0.2, math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64}
	texts := []string{"plain", "", "\"quoted\\\" \n", "\\", "\\n", "\n", "a\xffb", "日本", "{}=,# EOF"}
	for i, v := range values {
		f.Family("a_seconds", openmetrics.Gauge, "seconds", "one\nof \\ them").Add("", v, openmetrics.Label{Name: "i", Value: string(rune('a' + i))})
		f.Family("b", openmetrics.Counter, "", "another").Add("_total", math.Abs(v), openmetrics.Label{Name: "i", Value: string(rune('a' + i))})
	}
	for i, text := range texts {
		f.Family("c", openmetrics.Gauge, "", "texts").Add("", float64(i), openmetrics.Label{Name: "n", Value: string(rune('a' + i))}, openmetrics.Label{Name: "text", Value: text})
	}
	f.Family("d", openmetrics.Gauge, "", "nothing").Add("", math.NaN())
	all, err := omcheck.Parse(f.String())
	if err != nil {
		t.Fatalf("%v in\n%s", err, f.String())
	}
	if len(all) != 2*len(values)+len(texts) {
		t.Fatalf("%d samples", len(all))
	}
	for i, v := range values {
		if all[i].Value != v {
			t.Errorf("%v reads %v", v, all[i].Value)
		}
	}
	for i, text := range texts {
		want := text
		if text == "a\xffb" {
			want = "a\ufffdb"
		}
		if got := all[2*len(values)+i].Labels["text"]; got != want {
			t.Errorf("%q reads %q", text, got)
		}
	}
}
