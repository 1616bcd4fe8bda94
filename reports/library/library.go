// Package library renders the outcomes of many scenarios, run with several
// proxies, as one table that says where each proxy holds and where it breaks.
// It reads verdict records only; running is for others.
package library

import (
	"fmt"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/words"
)

// Entry is one scenario run with one proxy.
type Entry struct {
	Question string // that the scenario answers
	Run      *result.Run
	Err      error // why there is no Run, or not a whole one
}

// Markdown renders the table. Rows follow the order of the entries, one for each
// cell of a run; a question stands where it begins.
func Markdown(entries []Entry) (string, error) {
	var b strings.Builder
	b.WriteString("| scenario | proxy | verdict | requests | failed | p99 | what did not hold |\n")
	b.WriteString("| --- | --- | --- | ---: | ---: | ---: | --- |\n")
	scenario := ""
	for _, e := range entries {
		if e.Run == nil {
			fmt.Fprintf(&b, "| %s | | not run | | | | %s |\n", cell(e.Question), cell(e.Err.Error()))
			continue
		}
		for _, c := range e.Run.Cells {
			name := e.Run.Scenario
			if name == scenario {
				name = ""
			} else {
				scenario, name = name, fmt.Sprintf("**%s** %s", name, e.Question)
			}
			proxy := c.Proxy.Driver + " " + c.Proxy.Version
			if c.Name != "run" {
				proxy += ", " + c.Name
			}
			p99, err := quantile(c)
			if err != nil {
				return "", fmt.Errorf("%s, %s: %w", e.Run.Scenario, c.Name, err)
			}
			requests, failed := counts(c)
			fmt.Fprintf(&b, "| %s | %s | %s | %d | %s | %s | %s |\n",
				cell(name), cell(proxy), c.Verdict, requests, failed, p99, cell(broken(c)))
		}
	}
	return b.String(), nil
}

func cell(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.ReplaceAll(line, "|", "\\|")
}

func counts(c *result.Cell) (requests uint64, failed string) {
	var n uint64
	causes := map[string]uint64{}
	for i := range c.Loads {
		requests += c.Loads[i].Requests
		n += c.Loads[i].Failed
		for cause, k := range c.Loads[i].FailuresByCause {
			causes[cause] += k
		}
	}
	if n == 0 {
		return requests, "0"
	}
	return requests, fmt.Sprintf("%d: %s", n, words.Failures(causes))
}

// quantile is the 99th percentile of the response time over all loads, "-" below
// 1,000 samples.
func quantile(c *result.Cell) (string, error) {
	var all *hdrhistogram.Histogram
	for i := range c.Loads {
		text := c.Loads[i].Response.HDR
		if text == "" {
			continue
		}
		h, err := hdrhistogram.Decode([]byte(text))
		if err != nil {
			return "", fmt.Errorf("the histogram of load %s cannot be read: %w", c.Loads[i].Name, err)
		}
		if all == nil {
			all = hdrhistogram.New(h.LowestTrackableValue(), h.HighestTrackableValue(), int(h.SignificantFigures()))
		}
		all.Merge(h)
	}
	if all == nil || all.TotalCount() < 1000 {
		return "-", nil
	}
	return units.Latency(float64(all.ValueAtQuantile(99))), nil
}

// broken lists what did not hold, or why nothing can be said.
func broken(c *result.Cell) string {
	var list []string
	for i := range c.Objectives {
		o := &c.Objectives[i]
		if o.Verdict == result.Fail {
			list = append(list, fmt.Sprintf("%s %s: %s", words.Objective(o), words.Wanted(o), words.Got(o)))
		}
	}
	if len(list) == 0 {
		return c.Reason
	}
	return strings.Join(list, "; ")
}
