package abuse

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"bench/internal/result"
	"bench/internal/units"
)

// Certify says why an outcome is not to be trusted; empty if it is.
func Certify(a *result.Abuse) []string {
	if a.Local == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s could not open %s connections: out of ports or descriptors here", a.Name, units.Count(a.Local))}
}

// Ends are the ends of connections in words, in the order reports show them.
func Ends() []string { return []string{"closed", "reset", "timed out", "left", "open"} }

// EndsOf are the counts of Ends.
func EndsOf(c *result.AbuseCounts) []uint64 {
	return []uint64{c.Closed, c.Reset, c.TimedOut, c.Left, c.Open}
}

// Statuses writes counts by status: "200 x 3, 408 x 1".
func Statuses(c *result.AbuseCounts) string {
	var all []string
	for _, status := range slices.Sorted(maps.Keys(c.Statuses)) {
		all = append(all, status+" x "+units.Count(c.Statuses[status]))
	}
	if c.Garbled > 0 {
		all = append(all, "no HTTP x "+units.Count(c.Garbled))
	}
	if len(all) == 0 {
		return units.None
	}
	return strings.Join(all, ", ")
}

// PrintProgress writes a reading as one line of key=value fields.
func PrintProgress(w io.Writer, a *result.Abuse) error {
	_, err := fmt.Fprintf(w, "attempts=%d open=%d closed=%d reset=%d timedout=%d left=%d refused=%d answered=%d\n",
		a.Attempts, a.Open, a.Closed, a.Reset, a.TimedOut, a.Left, a.Refused+a.Unreached, a.Answered)
	return err
}

// Print writes an outcome for people.
func Print(out io.Writer, a *result.Abuse, ascii bool) error {
	w := &strings.Builder{}
	for _, why := range Certify(a) {
		fmt.Fprintf(w, "INVALID  %s\n", why)
	}
	fmt.Fprintf(w, "%s  %s, at most %s connections, %s/s  %s  seed %d\n\n", a.Target, a.Kind, units.Count(uint64(a.Connections)),
		units.Rate(a.Rate), units.Latency(float64(a.EndUs-a.BeginUs)), a.Seed)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "attempts\topened\trefused\tunreached\tmost open\trequests\tin\tout\t\n")
	fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n\n", units.Count(a.Attempts), units.Count(a.Opened), units.Count(a.Refused), units.Count(a.Unreached),
		units.Count(a.OpenMax), units.Count(a.Requests), units.Bytes(float64(a.BytesIn)), units.Bytes(float64(a.BytesOut)))
	row := func(name string, c *result.AbuseCounts) {
		fmt.Fprintf(t, "%s\t%s\t%s", name, units.Count(c.Opened), units.Count(c.Answered))
		for _, n := range EndsOf(c) {
			fmt.Fprintf(t, "\t%s", units.Count(n))
		}
		fmt.Fprintf(t, "\t  %s\n", Statuses(c))
	}
	fmt.Fprintf(t, "connections\topened\tanswered\t%s\t  answers\n", strings.Join(Ends(), "\t"))
	for i := range a.Variants {
		row(a.Variants[i].Name, &a.Variants[i].AbuseCounts)
	}
	row("all", &a.AbuseCounts)
	if err := t.Flush(); err != nil {
		return err
	}
	if h := &a.Held; h.Count > 0 {
		fmt.Fprintf(w, "\n%s connections were ended by the peer, after %s (p50) to %s (max)\n", units.Count(h.Count), units.Latency(h.P50), units.Latency(h.Max))
	}
	text := w.String()
	if ascii {
		text = units.ASCII(text)
	}
	_, err := io.WriteString(out, text)
	return err
}
