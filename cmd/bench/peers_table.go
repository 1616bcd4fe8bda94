package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"bench/scenarios/sidebyside"
)

// table is what bench peers shows, on a terminal or in a document.
type table struct {
	head []string
	rows [][]string
}

// print writes the table for a terminal; nothing if it has no rows.
func (t *table) print(out io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.head}, t.rows...) {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// markdown writes the table for a document.
func (t *table) markdown(out io.Writer) {
	if len(t.rows) == 0 {
		return
	}
	fmt.Fprintf(out, "| %s |\n|%s\n", strings.Join(t.head, " | "), strings.Repeat(" --- |", len(t.head)))
	for _, row := range t.rows {
		fmt.Fprintf(out, "| %s |\n", strings.Join(row, " | "))
	}
	fmt.Fprintln(out)
}

// contestTable has a row for each kind of work.
func contestTable(rows []sidebyside.Row) table {
	t := table{head: []string{"work", "ours", "peer", "CPU per request, peer ÷ ours", "target", "reached", "outside the kernel", "ours in the kernel", "requests/s, ours ÷ peer", "failed", "foreign CPU"}}
	for i := range rows {
		r := &rows[i]
		if r.Reason != "" {
			t.rows = append(t.rows, []string{r.Name, r.Ours, r.Peer, "not measured: " + r.Reason, target(r.Must, r.Aim), "-", "-", "-", "-", "-", "-"})
			continue
		}
		var failed uint64
		var others float64
		for _, s := range append(r.A, r.B...) {
			failed += s.Failed
			others = max(others, s.Others)
		}
		rate := "not the subject's limit"
		if r.RateCounts() {
			rate = span(r.Rate)
		}
		user, kernel := "-", "-"
		if r.SplitCounts() {
			user, kernel = fmt.Sprintf("%.2f", r.User.Median), fmt.Sprintf("%.0f %%", 100*r.KernelShare())
		}
		t.rows = append(t.rows, []string{
			r.Name, r.Ours, r.Peer, span(r.CPU), target(r.Must, r.Aim), reached(r.CPU.Median >= r.Must, r.CPU.Median >= r.Aim),
			user, kernel, rate, fmt.Sprint(failed), fmt.Sprintf("≤ %.0f %%", 100*others),
		})
	}
	return t
}

// tailTable has a row for each rate at which tails were measured.
func tailTable(rows []sidebyside.TailRow) table {
	t := table{head: []string{"latency", "requests/s, both", "p99.9, haproxy ÷ ours", "target", "reached", "ours, ms", "haproxy, ms", "measurements that did not count"}}
	for i := range rows {
		r := &rows[i]
		if r.Reason == "" && r.Tail.Median == 0 {
			r.Reason = "no measurement counted, because the generator was kept from its work"
		}
		if r.Reason != "" {
			t.rows = append(t.rows, []string{r.Name, "-", "not measured: " + r.Reason, target(sidebyside.TailMust, sidebyside.TailAim), "-", "-", "-", fmt.Sprint(r.Skipped)})
			continue
		}
		ms := func(all []float64) string {
			counted := slices.Sorted(slices.Values(slices.DeleteFunc(slices.Clone(all), func(v float64) bool { return v == 0 })))
			return fmt.Sprintf("%.2f to %.2f", counted[0]/1000, counted[len(counted)-1]/1000)
		}
		t.rows = append(t.rows, []string{
			r.Name, fmt.Sprintf("%.0f", r.Rate), span(r.Tail), target(sidebyside.TailMust, sidebyside.TailAim),
			reached(r.Tail.Median >= sidebyside.TailMust, r.Tail.Median >= sidebyside.TailAim), ms(r.A), ms(r.B), fmt.Sprint(r.Skipped),
		})
	}
	return t
}

// idleTable has a row for each number of idle connections.
func idleTable(rows []sidebyside.IdleRow) table {
	t := table{head: []string{"idle connections", "number", "bytes each, ours ÷ haproxy", "target", "reached", "ours", "haproxy", "heap, ours", "heap, haproxy", "kernel, ours", "kernel, haproxy"}}
	for i := range rows {
		r := &rows[i]
		row := []string{r.Name, fmt.Sprint(r.Connections)}
		if r.Reason != "" {
			t.rows = append(t.rows, append(row, "not measured: "+r.Reason, "", "", "", "", "", "", "", ""))
			continue
		}
		row = append(row, fmt.Sprintf("%.2f", r.Ratio), target(sidebyside.IdleMust, sidebyside.IdleAim), reached(r.Ratio <= sidebyside.IdleMust, r.Ratio <= sidebyside.IdleAim))
		for _, v := range []float64{r.Ours.User, r.Peer.User, r.Ours.Heap, r.Peer.Heap, r.Ours.Kernel, r.Peer.Kernel} {
			row = append(row, fmt.Sprintf("%.0f", v))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func span(r sidebyside.Ratio) string {
	return fmt.Sprintf("%.2f (%.2f to %.2f)", r.Median, r.Low, r.High)
}

func target(must, aim float64) string { return fmt.Sprintf("%.2f, better %.2f", must, aim) }

// reached says how far a median got.
func reached(must, aim bool) string {
	switch {
	case aim:
		return "yes, the better one"
	case must:
		return "yes"
	}
	return "**no**"
}

// document is docs/PERFORMANCE.md: the tables with what is needed to judge and
// to repeat them.
func (c *peersCmd) document(machine []string, tables []table) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, performanceHead, strings.Join(machine, ", "), c.Rounds, c.Duration)
	for _, t := range tables {
		t.markdown(&b)
	}
	return []byte(b.String())
}

const performanceHead = `# Engine, generator and origin beside the programs people use

Written by ` + "`make performance`" + ` on a machine with %s. Each row took %d rounds of
four measurements of %v.

- **Turns.** Both contestants of a row run at once, one of them idle, and take turns
  in the order A B B A: what drifts in the machine hits both. A ratio pairs a
  measurement with its neighbour; the table gives the median, and in brackets the
  smallest and the largest.
- **Processors.** The program that is measured has one to itself, and one thread. The
  load, and what answers it, share the other.
- **CPU per request** is user and system time of the measured process over the requests
  that were completed. Above 1, ours needs less.
- **Outside the kernel** is the same ratio for user time alone, and **ours in the kernel**
  the share of our time that the kernel took; neither stands where the program slept
  most of the time, as the kernel's sampling does not tell then. The kernel does the
  same work for both:
  where that is most of it, a program that needed no time at all would not be far ahead.
- **Requests/s** speak of the measured program only when it was busy all the time. Where
  the load side was busy first, the table says so and gives no figure.
- **Foreign CPU** is the share of the measured program's processor that others used.
- **Target** is what the project asks of itself; rows that miss it say no.
- Proxies get one configuration file, unchanged but for the poller where a row names
  one. Generator and origin choose their poller by themselves: io_uring, where the
  kernel has it whole. Answers have 128 bytes where a row does not say otherwise, over 64 connections
  of clients.

Of idle connections the table gives bytes for each connection of a client, with what
belongs to it towards the server. Each has served one request before. Below 1, ours needs
less. METHODOLOGY.md defines every column.

`
