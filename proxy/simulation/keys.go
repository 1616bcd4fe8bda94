package simulation

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"bench/proxy/table"
)

// Stick tables are tried with few entries, which go while others are held, expire within
// milliseconds, and are swept; or with room for all, which then have to count right.

// keys draws a table of a section of its own, and what is kept in it.
func (m *maker) keys() {
	p := m.p
	const data = " store conn_cur,conn_cnt,conn_rate(1s),http_req_cnt,http_req_rate(20ms),http_err_cnt,gpc0,gpc0_rate(1s),bytes_in_cnt,bytes_out_rate(1s)"
	p.Counted = m.one(3)
	room := fmt.Sprintf("size %s expire %s", pick(m, "1", "2", "3"), pick(m, "1ms", "5ms", "20ms", "250ms", "1s"))
	if m.one(3) {
		room += " nopurge"
	}
	if p.Counted {
		room = "size 1000 expire 24h"
	}
	kind := "string len 8"
	if p.TCP {
		kind = "ip"
	}
	p.Keys = "stick-table type " + kind + " " + room + data
	if p.TCP {
		p.Proxy = append(p.Proxy, "tcp-request "+pick(m, "connection", "session", "content")+" track-sc1 src,ipmask("+pick(m, "30", "32")+") table t")
		return
	}
	rules := []string{"http-request track-sc1 req.hdr(x-key) table t", "http-request sc-inc-gpc0(1)"}
	if m.one(2) {
		rules = append(rules, "http-request track-sc2 src,ipmask(29) table t")
	}
	if m.one(2) {
		rules = append(rules, "http-request track-sc0 url32+src table t")
	}
	p.Proxy = slices.Insert(p.Proxy, 0, rules...)
	if m.one(3) {
		p.Proxy = append(p.Proxy, "http-response add-header x-count %[sc_http_req_cnt(1)]")
	}
	n := 1 + m.IntN(5)
	for i := range p.Clients {
		for k := range p.Clients[i].Requests {
			p.Clients[i].Requests[k].Key = 1 + m.IntN(n)
		}
	}
}

// sweepEvery is how often tables are swept.
const sweepEvery = 250 * time.Millisecond

// sweep removes what has expired from stick tables, again and again.
func (e *engine) sweep() {
	for _, t := range e.shared.Tables {
		t.Sweep(t.Now())
	}
	e.m.After(sweepEvery, e.sweep)
}

// tables looks for what tables have not given back, and whether they have counted right.
func (b *books) tables(e *engine) {
	zero := func(t *table.Table, what string, n uint64) {
		if n > 0 {
			b.complain("an entry of table %s has %s: %d when all clients have gone", t.Name, what, n)
		}
	}
	for _, t := range e.shared.Tables {
		t.Sweep(t.Now())
		n := 0
		t.Each(t.Now(), func(x *table.Entry) bool {
			n++
			zero(t, "holders", uint64(x.Holders()))
			if t.Has(table.ConnCur) {
				zero(t, "connections", x.Value(table.ConnCur, 0))
			}
			return true
		})
		if n != t.Used() || n > t.Size {
			b.complain("table %s has %d entries, says %d, and has room for %d", t.Name, n, t.Used(), t.Size)
		}
	}
	if b.p.Counted && !b.p.TCP && !b.p.Hostile && b.p.Reload == 0 {
		b.counted(e)
	}
}

// counted holds what a table has counted against the requests that there were.
func (b *books) counted(e *engine) {
	i := slices.IndexFunc(e.shared.Tables, func(t *table.Table) bool { return t.Name == "t" })
	t := e.shared.Tables[i]
	want := map[int]uint64{}
	for _, x := range b.requests {
		if x.Key > 0 && !x.deed().silent { // which no rule sees
			want[x.Key]++
		}
	}
	for key, n := range want {
		x, ok := t.Get([]byte(strconv.Itoa(key)), t.Now())
		if !ok {
			b.complain("key %d, which %d requests have, is not in the table", key, n)
			continue
		}
		for _, d := range []table.Datum{table.HTTPReqCnt, table.GPC0, table.ConnCnt} {
			if got := x.Value(d, 0); got != n {
				b.complain("%d requests have key %d, and the table has counted %d (%v)", n, key, got, d)
			}
		}
	}
}
