package page

import (
	"slices"
	"strings"

	"bench/internal/result"
	"bench/reports/words"
)

// window is a stretch of time that a limit was confined to, laid over the plot of
// what it limits.
type window struct {
	band
	// Line is where the limit lies, in percent from the top; negative where the
	// plot has no scale for it.
	Line float64
}

// windowLimits are the limits confined to windows whose value one plot shows:
// latencies of responses, or counts and shares of failures.
func (b *cellBuilder) windowLimits(latency bool) []result.Objective {
	return slices.DeleteFunc(slices.Clone(b.Objectives), func(o result.Objective) bool {
		if len(o.Spans) == 0 {
			return true
		}
		if latency {
			return o.Unit != "us" || !strings.HasPrefix(o.Metric, "response.")
		}
		return o.Metric != "errors" && !strings.HasPrefix(o.Metric, "failed")
	})
}

// windows are the stretches of the limits that a plot shows, and what stands for
// them in its legend. y maps a value to the plane; nil: no line is drawn.
func (b *cellBuilder) windows(latency bool, y func(float64) int) (out []window, keys []label) {
	for _, o := range b.windowLimits(latency) {
		line := -1.0
		if y != nil {
			line = round3(float64(y(o.Wanted)) / height * 100)
		}
		for _, s := range mergeSpans(o.Spans) {
			from, to := max(s.StartUs, b.axis.start), min(s.EndUs, b.axis.end)
			if to <= from {
				continue
			}
			left := b.axis.percent(from)
			out = append(out, window{band{Left: left, Width: round3(b.axis.percent(to) - left), From: from, To: to}, line})
		}
		keys = append(keys, label{Text: words.Objective(&o) + " " + words.Wanted(&o) + " " + o.Verdict, Class: "gap windowkey"})
	}
	return out, keys
}
