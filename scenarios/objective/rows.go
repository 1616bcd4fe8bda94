package objective

import (
	"strings"

	"bench/internal/result"
)

// scope is what a metric can be confined to.
type scope uint8

const (
	anywhere  scope = iota // to one load, and to a window
	wholeLoad              // to one load, over the whole run
	wholeRun               // to nothing
	ofOrigins              // to a backend or one replica of it, and to a window
)

// row is a metric that is not a quantile. One that is a time or a rate also needs its
// bounds, in boundsOf.
type row struct {
	name  string
	kind  Kind
	scope scope
	// counts reads it from what the requests of a stretch of time came to, run from the
	// whole run, of one load where that is not empty; one of these or origins is set. why says what
	// it cannot be known for.
	counts func(f *figures) (v float64, why string)
	run    func(d *Data, load string) (v float64, why string)
	// origins reads it from what origins had received when they were asked, within the
	// bounds that this leaves.
	origins func(r *receipts) (b bounds, why string)
	// harm is how bad a slice of the timeline was in it, to say where it was at its
	// worst; nil for a metric that has no such place.
	harm func(i *result.Interval) int64
}

// rows lists the metrics, in the order in which messages name them.
func rows() []row {
	return []row{
		{name: "requests", counts: func(f *figures) (float64, string) { return float64(f.requests), "" }},
		{name: "completed", counts: func(f *figures) (float64, string) { return float64(f.completed), "" }},
		{name: "failed", counts: ofSome(func(f *figures) uint64 { return f.failed }), harm: failures},
		{name: "errors", kind: Share, counts: shareFailed, harm: failures},
		{name: "retried", counts: ofSome(func(f *figures) uint64 { return f.retried }), harm: func(i *result.Interval) int64 { return int64(i.Retried) }},
		{name: "moved", counts: ofSome(func(f *figures) uint64 { return f.moved }), harm: func(i *result.Interval) int64 { return int64(i.Moved) }},
		{name: "handshakes", counts: ofSome(func(f *figures) uint64 { return f.handshakes })},
		{name: "resumption", kind: Share, counts: shareResumed},
		{name: "rate", kind: Rate, counts: perSecond},
		{name: "received", scope: ofOrigins, origins: func(r *receipts) (bounds, string) { return r.own, "" }},
		{name: "share", kind: Share, scope: ofOrigins, origins: (*receipts).share},
		{name: "recovery", kind: Time, scope: wholeRun, run: func(d *Data, _ string) (float64, string) { return d.recovery() }},
		{name: "conservation.delta", scope: wholeRun, run: conserved(true, func(c *result.Conservation) float64 { return float64(c.Delta) })},
		{name: "conservation.lost", scope: wholeRun, run: conserved(false, func(c *result.Conservation) float64 {
			return sumRows(c, func(r *result.ConservationRow) uint64 { return r.Lost })
		})},
		{name: "conservation.repeated", scope: wholeRun, run: conserved(false, func(c *result.Conservation) float64 {
			return sumRows(c, func(r *result.ConservationRow) uint64 { return r.Repeated })
		})},
		{name: "integrity.mismatch", scope: wholeLoad, run: mismatches((*result.Integrity).Mismatch)},
		{name: "integrity.mismatch.request", scope: wholeLoad, run: mismatches(func(i *result.Integrity) uint64 { return i.Requests })},
		{name: "integrity.mismatch.answer", scope: wholeLoad, run: mismatches(func(i *result.Integrity) uint64 { return i.Answers })},
		{name: "integrity.checked", scope: wholeLoad, run: checks(func(i *result.Integrity) uint64 { return i.Checked })},
		{name: "integrity.unchecked", scope: wholeLoad, run: checks(func(i *result.Integrity) uint64 { return i.Unchecked })},
	}
}

// findRow finds the metric with a name, that of one cause of failures included; nil if
// there is none.
func findRow(name string) *row {
	for _, r := range rows() {
		if r.name == name {
			return &r
		}
	}
	cause, ok := strings.CutPrefix(name, "failed.")
	if !ok || !knownCause(cause) {
		return nil
	}
	return &row{
		name: "failed", counts: ofSome(func(f *figures) uint64 { return f.causes[cause] }),
		harm: func(i *result.Interval) int64 { return int64(i.Errors[cause]) },
	}
}

// ofSome counts what may become of requests: that none did says nothing where there were
// none.
func ofSome(count func(f *figures) uint64) func(f *figures) (float64, string) {
	return func(f *figures) (float64, string) {
		if f.requests == 0 {
			return 0, "no request was due in this time"
		}
		return float64(count(f)), ""
	}
}

func shareFailed(f *figures) (float64, string) {
	ended := f.completed + f.failed
	if ended == 0 {
		return 0, "no request has ended"
	}
	return float64(f.failed) / float64(ended), ""
}

func shareResumed(f *figures) (float64, string) {
	if f.handshakes == 0 {
		return 0, "no connection was made in TLS"
	}
	return float64(f.resumed) / float64(f.handshakes), ""
}

func perSecond(f *figures) (float64, string) {
	if f.seconds <= 0 {
		return 0, "no time was measured"
	}
	return float64(f.good) / f.seconds, ""
}

// failures of a slice of the timeline.
func failures(i *result.Interval) (n int64) {
	for _, of := range i.Errors {
		n += int64(of)
	}
	return n
}

// conserved reads what clients, proxy and origins count. Clients and proxy alone are
// enough for some of it.
func conserved(withoutOrigins bool, of func(c *result.Conservation) float64) func(d *Data, load string) (float64, string) {
	return func(d *Data, _ string) (float64, string) {
		switch c := d.Conservation; {
		case c == nil:
			return 0, "conservation could not be checked"
		case !c.Exact:
			return 0, "conservation is not exact: " + c.Detail
		case len(c.Rows) == 0 && (len(c.Proxy) == 0 || !withoutOrigins):
			return 0, "there are no counts to compare"
		default:
			return of(c), ""
		}
	}
}

func sumRows(c *result.Conservation, of func(*result.ConservationRow) uint64) float64 {
	var sum uint64
	for i := range c.Rows {
		sum += of(&c.Rows[i])
	}
	return float64(sum)
}

// checks reads what the check of contents came to, warm-up included.
func checks(of func(i *result.Integrity) uint64) func(d *Data, load string) (float64, string) {
	return func(d *Data, load string) (float64, string) {
		sum, why := d.integrity(load)
		return float64(of(&sum)), why
	}
}

// mismatches are checks of which none says nothing where nothing was checked.
func mismatches(of func(i *result.Integrity) uint64) func(d *Data, load string) (float64, string) {
	return func(d *Data, load string) (float64, string) {
		sum, why := d.integrity(load)
		if why == "" && sum.Checked == 0 && sum.Mismatch() == 0 {
			why = "nothing was checked: no answer came from a mock origin"
		}
		return float64(of(&sum)), why
	}
}
