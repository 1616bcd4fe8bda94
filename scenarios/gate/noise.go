package gate

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"bench/internal/result"
	"bench/internal/stats"
	"bench/internal/units"
)

// CalibrationPairs is how many pairs of the same a noise floor wants.
const CalibrationPairs = 20

// invalidShare is the share of pairs that had to be made again above which a host is
// too restless for its noise floor to mean anything.
const invalidShare = 0.2

// floorAt are the numbers of pairs for which a noise floor is stated.
var floorAt = []int{20, 30, 50, 100, 200}

// Floor is a noise floor: how small a change can be told.
type Floor struct {
	// Measures are in the order of Config.Measures, without those that are not known in
	// enough pairs.
	Measures []result.NoiseFloorMeasure
	// Refused says why no gate should be built on it, or is empty.
	Refused string
}

// Calibrate takes pairs of the same, invalid of which had to be made again, and states
// how much pairs differ by chance. Its standard deviations have a margin for what so
// few pairs may hide (stats.NoiseMargin).
func Calibrate(c Config, same []Pair, invalid int) (Floor, error) {
	if err := c.check(); err != nil {
		return Floor{}, err
	}
	c.Measures = slices.Clone(c.Measures)
	c.Confirm = true // what looks worse here is suspect already
	lv := c.levels()
	tail := lv.worse / float64(max(1, len(c.Measures)))
	g := &Gate{c: c, levels: lv, method: method{sequential: true}}
	var f Floor
	var refused []string
	if n := len(same); n < CalibrationPairs {
		refused = append(refused, fmt.Sprintf("%s are too few: %d are needed", pairs(n), CalibrationPairs))
	}
	if all := len(same) + invalid; float64(invalid) > invalidShare*float64(all) {
		refused = append(refused, fmt.Sprintf("%d of %s were disturbed and had to be made again", invalid, pairs(all)))
	}
	for i, measure := range c.Measures {
		r := ratio{g: g, index: i, sign: 1}
		for j := range same {
			r.add(&same[j])
		}
		sd, ok := stats.NoiseSD(r.d)
		if !ok || r.seldom() {
			refused = append(refused, measure.Name+" is "+known(len(r.d), r.seen))
			continue
		}
		for side := -1; side <= 1; side += 2 {
			if r.excess(side, false) <= tail && r.beyond(side) {
				above, below := stats.Count(r.d, 0)
				refused = append(refused, fmt.Sprintf("%s differs between pairs of the same: it is more in %d and less in %d", measure.Name, above, below))
			}
		}
		sd *= stats.NoiseMargin(len(r.d))
		stated := result.NoiseFloorMeasure{Name: measure.Name, SD: sd, Floor: map[int]float64{}}
		for _, n := range floorAt {
			if floor := stats.Floor(sd, stats.Reach(n, 1/tail)); !math.IsInf(floor, 1) {
				stated.Floor[n] = floor
			}
		}
		f.Measures = append(f.Measures, stated)
		c.Measures[i].NoiseSD = sd
	}
	if below := c.belowFloor(); below != "" {
		refused = append(refused, below)
	}
	f.Refused = strings.Join(refused, "; ")
	return f, nil
}

// belowFloor says which measures are too noisy here to be cleared by as many pairs as
// are allowed, and how many it would take, or "".
func (c *Config) belowFloor() string {
	lv := c.levels()
	m := c.method(&lv)
	tail := lv.worse / float64(max(1, len(c.Measures)))
	n := c.MostPairs
	if !m.sequential {
		n = c.Pairs
	}
	reach := m.reach(n, tail)
	var below []string
	for _, measure := range c.Measures {
		if measure.NoiseSD == 0 {
			continue
		}
		if floor := stats.Floor(measure.NoiseSD, reach); floor > lv.share {
			below = append(below, fmt.Sprintf("the noise floor of %s is %s with %s, and changes of %s are to be detected: that takes %s",
				measure.Name, units.Percent(floor), pairs(n), units.Percent(lv.share), about(c.pairsFor(lv.limit, measure.NoiseSD, tail))))
		}
	}
	if below == nil {
		return ""
	}
	more := "--most-pairs allows more"
	if !m.sequential {
		more = "--pairs N makes more"
	}
	return strings.Join(below, "; ") + "; " + more + ", a greater --min-effect takes fewer"
}

// pairsFor is about how many pairs tell that differences lie delta above what is to be
// refuted, erring with the probability tail.
func (c *Config) pairsFor(delta, sd, tail float64) int {
	if c.Pairs == 0 {
		return stats.PairsFor(delta, sd, 1/tail)
	}
	lv := c.levels()
	at := *c
	return 2 + sort.Search(stats.TooMany-2, func(i int) bool {
		at.Pairs = 2 + i
		return stats.ReachFixed(at.Pairs, tail, at.method(&lv).ranks)*sd <= delta
	})
}
