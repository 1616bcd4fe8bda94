package objective

import (
	"strings"
	"testing"

	"bench/internal/result"
)

func TestQuantity(t *testing.T) {
	data := &Data{Loads: []result.Load{{Name: "a", DurationSeconds: 2}, {Name: "b", DurationSeconds: 2}}}
	data.Loads[0].Requests, data.Loads[0].Completed, data.Loads[0].Failed, data.Loads[0].GoodWithin = 100, 90, 10, 90
	data.Loads[1].Requests, data.Loads[1].Completed, data.Loads[1].GoodWithin = 50, 50, 50
	names := Names{Loads: []string{"a", "b"}}
	for text, want := range map[string]struct {
		value            float64
		kind             Kind
		counts, recovers bool
		more             bool
		load             string
	}{
		"failed":            {10, Count, true, false, false, ""},
		" a.errors ":        {0.1, Share, true, false, false, "a"},
		"completed":         {140, Count, false, false, true, ""},
		"b.rate":            {25, Rate, false, false, true, "b"},
		"a.failed * 2":      {20, Count, false, false, false, ""},
		"a.rate - b.rate":   {20, Rate, false, false, true, ""},
		"failed / requests": {10.0 / 150, Number, false, false, false, ""},
	} {
		q, err := ParseQuantity(text, names)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		v, why := q.Value(data)
		if why != "" || v < want.value*0.999 || v > want.value*1.001 {
			t.Errorf("%s = %v (%s), want %v", text, v, why, want.value)
		}
		if q.Kind() != want.kind || q.Counts() != want.counts || q.Recovery() != want.recovers || q.MoreIsBetter() != want.more || q.Load() != want.load {
			t.Errorf("%s: kind %v, counts %v, recovery %v, more is better %v, load %q", text, q.Kind(), q.Counts(), q.Recovery(), q.MoreIsBetter(), q.Load())
		}
	}
	if q, err := ParseQuantity("recovery", names); err != nil || !q.Recovery() || q.Counts() {
		t.Errorf("recovery: %+v, %v", q, err)
	}
	for text, want := range map[string]string{
		"failed == 0": `unexpected "== 0" after the metric; a measure has no limit`,
		"5ms":         "this is not a metric",
		"c.failed":    "unknown metric",
		"":            "expected a metric or a value",
	} {
		if _, err := ParseQuantity(text, names); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}
