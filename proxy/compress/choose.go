package compress

import "bytes"

// best is the weight that nothing exceeds.
const best = 1000

// Choice is the coding that a request asks for most. The zero value has seen nothing yet.
type Choice struct {
	weight    int
	algorithm Algorithm
	found     bool
}

// Add looks at one Accept-Encoding field. Of codings with the same weight the first counts.
// What is offered comes first if it is to be preferred where a client takes anything.
func (c *Choice) Add(field []byte, offered []Algorithm) {
	for part := range bytes.SplitSeq(field, []byte(",")) {
		part = bytes.Trim(part, " \t")
		end := 0
		for end < len(part) && part[end] != ';' && part[end] != ' ' && part[end] != '\t' {
			end++
		}
		weight := weightOf(part[end:])
		if weight <= c.weight || end == 0 {
			continue
		}
		for _, a := range offered {
			if part[0] == '*' || bytes.EqualFold(part[:end], []byte(a.Coding())) {
				c.algorithm, c.weight, c.found = a, weight, true
				break
			}
		}
	}
}

// Algorithm is the one to use; false: none.
func (c *Choice) Algorithm() (Algorithm, bool) { return c.algorithm, c.found }

// weightOf reads the parameter "q" of a coding, in thousandths.
func weightOf(parameters []byte) int {
	for p := range bytes.SplitSeq(parameters, []byte(";")) {
		if q, ok := bytes.CutPrefix(bytes.TrimLeft(p, " \t"), []byte("q=")); ok {
			return thousandths(q)
		}
	}
	return best
}

func thousandths(q []byte) int {
	if len(q) == 0 || q[0] < '0' || q[0] > '9' {
		return best
	}
	n := int(q[0]-'0') * best
	if len(q) > 1 && q[1] == '.' {
		for i, unit := 2, best/10; i < len(q) && unit > 0 && q[i] >= '0' && q[i] <= '9'; i, unit = i+1, unit/10 {
			n += int(q[i]-'0') * unit
		}
	}
	return min(n, best)
}
