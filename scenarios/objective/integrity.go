package objective

import "bench/internal/result"

// Intact is what must hold where contents are checked and no objective speaks of it.
const Intact = "integrity.mismatch == 0"

// integrity sums up what the check of contents came to, of one load where it is named.
func (d *Data) integrity(load string) (sum result.Integrity, why string) {
	on := false
	for i := range d.Loads {
		l := &d.Loads[i]
		if l.Integrity != nil && (load == "" || load == l.Name) {
			on = true
			sum.Add(l.Integrity)
		}
	}
	if load == "" {
		sum.Requests += d.Unreported
	}
	if !on {
		return sum, "no load has its integrity checked"
	}
	return sum, ""
}
