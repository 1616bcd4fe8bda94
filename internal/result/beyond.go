package result

import "math"

// Beyond is how far got lies on the wrong side of a limit, in the limit's own
// unit: the greater, the worse. op is one of < <= > >= == !=. It orders outcomes;
// whether a limit holds is for who judges it.
func Beyond(op string, got, wanted float64) float64 {
	switch op {
	case "<", "<=":
		return got - wanted
	case ">", ">=":
		return wanted - got
	case "==":
		return math.Abs(got - wanted)
	default:
		return -math.Abs(got - wanted)
	}
}
