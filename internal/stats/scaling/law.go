package scaling

import (
	"math"

	"gonum.org/v1/gonum/optimize"
)

// group is what the fit needs of the runs at one N: in logarithms their errors are
// taken to be alike at every N, so mean and count are all there is to know.
type group struct {
	n     float64
	count float64
	mean  float64 // of the logarithms of the rates
}

// data is what a curve is fitted to.
type data struct {
	groups  []group
	runs    int
	largest float64
	// pure is the sum of squares of the runs around the mean of their N, which no
	// curve can explain.
	pure float64
}

func newData(points []Point) *data {
	d := &data{}
	for _, p := range points {
		g := group{n: p.N, count: float64(len(p.Rates))}
		for _, r := range p.Rates {
			g.mean += math.Log(r) / g.count
		}
		for _, r := range p.Rates {
			d.pure += square(math.Log(r) - g.mean)
		}
		d.groups = append(d.groups, g)
		d.runs += len(p.Rates)
		d.largest = max(d.largest, p.N)
	}
	return d
}

// shape is the logarithm of the law at n without its factor gamma.
func shape(n, alpha, beta float64) float64 {
	return math.Log(n) - math.Log1p(alpha*(n-1)+beta*n*(n-1))
}

// logGamma is the logarithm of the gamma that fits best.
func (d *data) logGamma(alpha, beta float64) float64 {
	sum := 0.0
	for _, g := range d.groups {
		sum += g.count * (g.mean - shape(g.n, alpha, beta))
	}
	return sum / float64(d.runs)
}

// squares is the sum of squared distances from the law, in logarithms.
func (d *data) squares(logGamma, alpha, beta float64) float64 {
	sum := d.pure
	for _, g := range d.groups {
		sum += g.count * square(g.mean-logGamma-shape(g.n, alpha, beta))
	}
	return sum
}

// free is squares with the best gamma.
func (d *data) free(alpha, beta float64) float64 {
	return d.squares(d.logGamma(alpha, beta), alpha, beta)
}

// params are alpha, 0 to 1, and beta, from 0 on. The optimiser knows no bounds, so it
// gets numbers without any: the arc sine of the root of alpha, and the root of beta
// in proportion to the largest N, with which both have about the same size.
type params struct{ alpha, beta float64 }

func (d *data) encodeAlpha(alpha float64) float64 {
	return math.Asin(math.Sqrt(min(max(alpha, 0), 1)))
}
func (d *data) decodeAlpha(x float64) float64   { return square(math.Sin(x)) }
func (d *data) encodeBeta(beta float64) float64 { return math.Sqrt(max(beta, 0)) * d.largest }
func (d *data) decodeBeta(x float64) float64    { return square(x / d.largest) }

// least is the law with the least of a sum, sought from start on.
func (d *data) least(sum func(alpha, beta float64) float64, start params) (params, float64) {
	at := func(x []float64) params { return params{d.decodeAlpha(x[0]), d.decodeBeta(x[1])} }
	x, least := minimise(func(x []float64) float64 {
		p := at(x)
		return sum(p.alpha, p.beta)
	}, []float64{d.encodeAlpha(start.alpha), d.encodeBeta(start.beta)})
	return at(x), least
}

// leastAlpha is the alpha with the least of a sum.
func (d *data) leastAlpha(sum func(alpha float64) float64, start float64) (alpha, least float64) {
	x, least := minimise(func(x []float64) float64 { return sum(d.decodeAlpha(x[0])) }, []float64{d.encodeAlpha(start)})
	return d.decodeAlpha(x[0]), least
}

// leastBeta is the least of a sum by beta.
func (d *data) leastBeta(sum func(beta float64) float64, start float64) float64 {
	_, least := minimise(func(x []float64) float64 { return sum(d.decodeBeta(x[0])) }, []float64{d.encodeBeta(start)})
	return least
}

// fit is the best law of all, sought from several places.
func (d *data) fit() (params, float64) {
	best, least := params{}, math.Inf(1)
	for _, alpha := range []float64{0.01, 0.2, 0.7} {
		for _, beta := range []float64{0, 0.1, 1} {
			if p, sum := d.least(d.free, params{alpha, beta / square(d.largest)}); sum < least {
				best, least = p, sum
			}
		}
	}
	return best, least
}

// minimise finds a minimum of f near start: the simplex of Nelder and Mead, which
// needs no derivatives and does not mind that f is flat on the bounds.
func minimise(f func([]float64) float64, start []float64) (x []float64, least float64) {
	settings := &optimize.Settings{
		Converger:       &optimize.FunctionConverge{Relative: 1e-9, Absolute: 1e-16, Iterations: 25},
		FuncEvaluations: 2000,
	}
	// The only error is that of a start whose value is no number; the others are ends
	// of the search, of which the best place so far is the result.
	r, err := optimize.Minimize(optimize.Problem{Func: f}, start, settings, &optimize.NelderMead{SimplexSize: 0.1})
	if r == nil {
		panic("scaling: " + err.Error())
	}
	return r.X, r.F
}

// crossing is where f, which is at most limit at inside and more at outside, passes
// limit, to one in a million of the way, by false position with the change that keeps
// both ends moving (Illinois; Dowell and Jarratt 1971).
func crossing(f func(float64) float64, inside, outside, limit float64) float64 {
	a, b := inside, outside
	fa, fb := f(a)-limit, f(b)-limit
	if fb <= 0 {
		return b
	}
	moved := 0 // which end the last step moved
	for range 60 {
		if math.Abs(b-a) <= 1e-6*math.Abs(outside-inside) {
			break
		}
		at := (a*fb - b*fa) / (fb - fa)
		if !(at > min(a, b) && at < max(a, b)) {
			at = (a + b) / 2
		}
		v := f(at) - limit
		switch {
		case math.Abs(v) <= 1e-7*limit:
			return at
		case v <= 0:
			a, fa = at, v
			if moved < 0 {
				fb /= 2
			}
			moved = -1
		default:
			b, fb = at, v
			if moved > 0 {
				fa /= 2
			}
			moved = 1
		}
	}
	return a
}

func square(v float64) float64 { return v * v }
