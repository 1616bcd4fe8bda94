package series

import "bench/internal/hdr"

// Seconds merges the slots into whole seconds counted from zero, whatever
// happened in them: the rows of a table for programs, not of a chart.
func (c *Cell) Seconds() []Slot {
	var out []Slot
	for i := 0; i < len(c.Slots); {
		at := floorDiv(c.Slots[i].StartUs-c.ZeroUs, second)
		sum := Slot{StartUs: c.ZeroUs + at*second, LengthUs: second}
		var ok, service []hdr.Dist
		for ; i < len(c.Slots) && floorDiv(c.Slots[i].StartUs-c.ZeroUs, second) == at; i++ {
			s := &c.Slots[i]
			sum.Offered += s.Offered
			sum.Completed += s.Completed
			sum.Good += s.Good
			sum.Retried += s.Retried
			sum.Errors.Add(&s.Errors)
			sum.Unanswered += s.Unanswered
			sum.LagMaxUs = max(sum.LagMaxUs, s.LagMaxUs)
			sum.LagP99Us = max(sum.LagP99Us, s.LagP99Us)
			sum.InFlight, sum.Conns = s.InFlight, s.Conns
			ok, service = append(ok, s.OK), append(service, s.Service)
		}
		sum.OK, sum.Service = hdr.Merge(ok...), hdr.Merge(service...)
		out = append(out, sum)
	}
	return out
}
