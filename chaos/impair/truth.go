package impair

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Truth is what an impairment did, counted where it did it.
type Truth struct {
	Began int64 `json:"began"` // on CLOCK_MONOTONIC, in nanoseconds
	Ended int64 `json:"ended,omitempty"`
	First int64 `json:"first,omitempty"` // packet concerned, and the last
	Last  int64 `json:"last,omitempty"`

	Flows   uint64    `json:"flows"`
	Packets [2]uint64 `json:"packets"` // concerned, upstream and downstream
	Bytes   [2]uint64 `json:"bytes"`

	Dropped    uint64 `json:"dropped"`
	Digest     uint64 `json:"digest"` // of which packets were dropped, whatever the order
	Duplicated uint64 `json:"duplicated"`
	Corrupted  uint64 `json:"corrupted"`
	Held       uint64 `json:"held"`      // to be overtaken
	Overtaken  uint64 `json:"overtaken"` // by a later one of their flow
	Overflowed uint64 `json:"overflowed"`
	Rejected   uint64 `json:"rejected"`
	Resets     uint64 `json:"resets"`
	SynAcks    uint64 `json:"synAcks"`
	Fins       uint64 `json:"fins"`
	Windows    uint64 `json:"windows"`

	// While the limited line had a queue: what it carried, and how long it took.
	BusyBytes [2]uint64 `json:"busyBytes"`
	BusyTime  [2]int64  `json:"busyTime"`
	lastBusy  [2]int64

	Asked Times `json:"asked"` // the delays that were drawn
	// Achieved is from arrival to departure, of packets that this impairment alone
	// has delayed, and by no queue.
	Achieved Times `json:"achieved"`
	Late     Times `json:"late"` // departure after the time that was due
}

// Times is a summary of times, in nanoseconds.
type Times struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean"`
	SD    float64 `json:"sd"`
	P1    int64   `json:"p1"`
	P50   int64   `json:"p50"`
	P99   int64   `json:"p99"`
	P999  int64   `json:"p999"`
	Max   int64   `json:"max"`
	hist  *hdrhistogram.Histogram
}

// longest is the longest time that is told apart from longer ones.
const longest = 2 * maxDelay

func newTruth(now int64, delayed bool) Truth {
	t := Truth{Began: now}
	if delayed {
		for _, p := range []*Times{&t.Asked, &t.Achieved, &t.Late} {
			p.hist = hdrhistogram.New(1, int64(longest), 3)
		}
	}
	return t
}

func (t *Times) add(ns int64) {
	// Within the range there is nothing that could fail.
	_ = t.hist.RecordValue(min(max(ns, 0), int64(longest)))
}

// sum fills in the figures.
func (t *Times) sum() {
	h := t.hist
	if h == nil || h.TotalCount() == 0 {
		return
	}
	t.Count, t.Mean, t.SD, t.Max = h.TotalCount(), h.Mean(), h.StdDev(), h.Max()
	t.P1, t.P50 = h.ValueAtQuantile(1), h.ValueAtQuantile(50)
	t.P99, t.P999 = h.ValueAtQuantile(99), h.ValueAtQuantile(99.9)
}

// Report returns the truth with its summaries, fit to be passed on.
func (t *Truth) Report() Truth {
	t.Asked.sum()
	t.Achieved.sum()
	t.Late.sum()
	return *t
}

// Total is the number of packets concerned.
func (t *Truth) Total() uint64 { return t.Packets[Upstream] + t.Packets[Downstream] }

func (t *Truth) touch(d Direction, size int, now int64) {
	if t.First == 0 {
		t.First = now
	}
	t.Last = now
	t.Packets[d]++
	t.Bytes[d] += uint64(size)
}

func (t *Truth) drop(flow, index uint64) {
	t.Dropped++
	t.Digest += mix(flow ^ mix(index+1))
}

func (t *Truth) ask(by time.Duration) { t.Asked.add(int64(by)) }

// Sent reports that the packet of a ticket, due at the given time, left at another.
func (e *Engine) Sent(k *Ticket, d Direction, due, at int64) {
	if k.mask == 0 {
		return
	}
	overtaken := false
	if k.number > k.way.sent {
		k.way.sent = k.number
	} else if k.number < k.way.sent {
		overtaken = true
	}
	for i, m := range e.active {
		if m == nil || k.mask&(1<<i) == 0 {
			continue
		}
		t := &m.truth
		if t.Achieved.hist == nil {
			continue // another impairment took the place of the one that ended
		}
		if k.mask == 1<<i && k.limited == 0 {
			t.Achieved.add(at - k.came)
		}
		t.Late.add(at - due)
		if overtaken {
			t.Overtaken++
		}
		if m.Rate > 0 {
			if k.limited&(1<<i) != 0 && t.lastBusy[d] > 0 {
				t.BusyTime[d] += at - t.lastBusy[d]
				t.BusyBytes[d] += uint64(k.size)
			}
			t.lastBusy[d] = at
		}
	}
}
