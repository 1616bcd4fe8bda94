package objective

import (
	"strings"

	"bench/internal/result"
)

// Intact is what must hold where contents are checked and no objective speaks of it.
const Intact = "integrity.mismatch == 0"

// integrityMetrics are the names of what the check of contents came to.
func integrityMetrics() []string {
	return []string{
		"integrity.mismatch", "integrity.mismatch.request", "integrity.mismatch.answer",
		"integrity.checked", "integrity.unchecked",
	}
}

// ofIntegrity reports whether the metric is one of them. They are counted over the
// whole run of a load, warm-up included.
func (m *metric) ofIntegrity() bool { return strings.HasPrefix(m.base, "integrity.") }

// integrity reads a metric of the check of contents. That nothing differs says
// nothing where nothing was checked.
func (d *Data) integrity(m *metric) (v float64, why string) {
	var sum result.Integrity
	on := false
	for i := range d.Loads {
		l := &d.Loads[i]
		if l.Integrity != nil && (m.load == "" || m.load == l.Name) {
			on = true
			sum.Add(l.Integrity)
		}
	}
	if m.load == "" {
		sum.Requests += d.Unreported
	}
	switch m.base {
	case "integrity.checked":
		v = float64(sum.Checked)
	case "integrity.unchecked":
		v = float64(sum.Unchecked)
	case "integrity.mismatch.request":
		v = float64(sum.Requests)
	case "integrity.mismatch.answer":
		v = float64(sum.Answers)
	default:
		v = float64(sum.Mismatch())
	}
	switch {
	case !on:
		return 0, "no load has its integrity checked"
	case sum.Checked == 0 && sum.Mismatch() == 0 && strings.HasPrefix(m.base, "integrity.mismatch"):
		return 0, "nothing was checked: no answer came from a mock origin"
	}
	return v, ""
}
