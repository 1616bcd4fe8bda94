package reports

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/words"
)

// PrintAbuseProgress writes a reading of clients that misbehave as one line of
// key=value fields.
func PrintAbuseProgress(w io.Writer, a *result.Abuse) error {
	_, err := fmt.Fprintf(w, "attempts=%d open=%d closed=%d reset=%d timedout=%d left=%d refused=%d answered=%d\n",
		a.Attempts, a.Open, a.Closed, a.Reset, a.TimedOut, a.Left, a.Refused+a.Unreached+a.Local, a.Answered)
	return err
}

// PrintAbuse writes the outcome of clients that misbehave for people. doubts
// are why it is not to be trusted.
func PrintAbuse(out io.Writer, a *result.Abuse, doubts []result.Doubt, ascii bool) error {
	w := &strings.Builder{}
	for _, d := range doubts {
		fmt.Fprintf(w, "INVALID  %s\n", d.Text)
	}
	fmt.Fprintf(w, "%s  %s, at most %s connections, %s/s  %s  seed %d\n\n", a.Target, a.Kind, units.Count(uint64(a.Connections)),
		units.Rate(a.Rate), units.Latency(float64(a.EndUs-a.BeginUs)), a.Seed)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "attempts\topened\trefused\tunreached\tmost open\trequests\tin\tout\t\n")
	fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n\n", units.Count(a.Attempts), units.Count(a.Opened), units.Count(a.Refused), units.Count(a.Unreached),
		units.Count(a.OpenMax), units.Count(a.Requests), units.Bytes(float64(a.BytesIn)), units.Bytes(float64(a.BytesOut)))
	whole := *a
	whole.Name, whole.Kind = "all", ""
	rows := words.AbuseRows([]result.Abuse{whole})
	rows[0][0] = "all"
	for _, row := range append([][]string{words.AbuseHead()}, append(rows[1:], rows[0])...) {
		last := len(row) - 1
		fmt.Fprintf(t, "%s\t  %s\n", strings.Join(row[:last], "\t"), row[last])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	text := w.String()
	if ascii {
		text = units.ASCII(text)
	}
	_, err := io.WriteString(out, text)
	return err
}

// maxAbuse is the room for clients that misbehave in the summary.
const maxAbuse = 4

// abuseLines is the room for them in a run of one cell.
func (s *summary) abuseLines() int { return min(len(s.run.Cells[0].Abuse), maxAbuse) }

// abuse lists the sets of clients that misbehave.
func (s *summary) abuse(c *result.Cell) {
	shown := c.Abuse
	if len(shown) > maxAbuse {
		shown = shown[:maxAbuse-1]
	}
	for i := range shown {
		lead := "       "
		if i == 0 {
			lead = "abuse  "
		}
		s.add(lead + words.Abuse(&shown[i]))
	}
	if n := len(c.Abuse) - len(shown); n > 0 {
		s.add(fmt.Sprintf("       and %d more", n))
	}
}

// abuse lists the sets of clients that misbehave and what they tried.
func (m *reviewText) abuse(all []result.Abuse) {
	if len(all) == 0 {
		return
	}
	m.Table(words.AbuseHead()...)
	for _, row := range words.AbuseRows(all) {
		m.Row(row...)
	}
}
