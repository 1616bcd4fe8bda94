package rule_test

import (
	"strings"
	"testing"
	"time"

	"bench/proxy/rule"
	"bench/proxy/sample"
	"bench/proxy/table"
	"bench/proxy/txn"
	"bench/proxy/txn/txntest"
)

func tracked(t testing.TB, columns ...table.Column) *txn.Txn {
	x := txntest.New(t, request, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
	s := &table.Spec{Name: "t", Type: table.String, Length: 20, Size: 2, Expire: time.Minute}
	for _, c := range columns {
		s.Add(c)
	}
	x.Stream.(*txntest.Stream).Engine.Tables = []*table.Table{table.New(s)}
	return x
}

func trackRule(t testing.TB, place rule.Place, texts ...string) *rule.List {
	l := &rule.List{Place: place}
	for _, text := range texts {
		p := parser(place, text)
		p.Lookup.Env.Counters = 3
		p.Lookup.Env.Later = func(r sample.Reference) { r.Arg.Int = 0 }
		r, err := p.Parse()
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		l.Rules = append(l.Rules, r)
	}
	return l
}

// What is tracked counts as its place wants it, and the first one counts.
func TestTracking(t *testing.T) {
	for _, c := range []struct {
		place               rule.Place
		requests, fails     uint64
		ofSession, inOthers bool
	}{
		{place: rule.Connection, ofSession: true},
		{place: rule.Session, ofSession: true},
		{place: rule.Content, requests: 1},
		{place: rule.Request, requests: 1},
		{place: rule.Response, requests: 1, fails: 1},
	} {
		x := tracked(t, table.Column{Datum: table.ConnCnt, N: 1}, table.Column{Datum: table.HTTPReqCnt, N: 1}, table.Column{Datum: table.HTTPFailCnt, N: 1})
		l := trackRule(t, c.place, "track-sc1 src table t", "track-sc1 str(second)", "track-sc2 var(txn.none)", "track-sc0 src unless { sc1_tracked }")
		if v, _ := run(t, l, x); v != txn.Next {
			t.Fatalf("%s: %v", c.place, v)
		}
		r := x.Counter(1)
		if !r.Valid() || string(r.Key(nil)) != "10.1.2.3" || x.Counter(0).Valid() || x.Counter(2).Valid() {
			t.Fatalf("%s: %v %q", c.place, r.Valid(), r.Key(nil))
		}
		if got := x.SessionTracked.Get(1).Valid(); got != c.ofSession {
			t.Errorf("%s: of the session: %v", c.place, got)
		}
		for d, want := range map[table.Datum]uint64{table.ConnCnt: 1, table.HTTPReqCnt: c.requests, table.HTTPFailCnt: c.fails} {
			if got, _ := r.Value(d, 0, 0); got != want {
				t.Errorf("%s: %s is %d, want %d", c.place, d, got, want)
			}
		}
	}
}

func TestCounters(t *testing.T) {
	x := tracked(t, table.Column{Datum: table.GPC, N: 3}, table.Column{Datum: table.GPT, N: 2})
	l := trackRule(t, rule.Request, "track-sc0 src", "sc-inc-gpc(2,0)", "sc-inc-gpc0(0)", "sc-inc-gpc0(1)", "sc-inc-gpc1(0)", "sc-inc-gpc1(0) if { always_false }", "sc-add-gpc(2,0) 40", "sc-add-gpc(2,0) int(2)", "sc-set-gpt(1,0) 7", "sc-set-gpt0(0) str(12),length", "sc-set-gpt0(0) req.hdr(none)", "sc-inc-gpc(9,0)")
	run(t, l, x)
	r := x.Counter(0)
	for i, want := range []uint64{1, 1, 43} {
		if got, _ := r.Value(table.GPC, i, 0); got != want {
			t.Errorf("gpc%d is %d, want %d", i, got, want)
		}
	}
	for i, want := range []uint64{2, 7} {
		if got, _ := r.Value(table.GPT, i, 0); got != want {
			t.Errorf("gpt%d is %d, want %d", i, got, want)
		}
	}
}

func TestTrackingMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"track-sc src":               "'track-sc' needs the number of a counter, as 'track-sc0'",
		"track-sc3 src":              "there is no counter 3: they go from 0 to 2 (tune.stick-counters)",
		"track-sc0":                  "a sample expression is missing after 'track-sc0'",
		"track-sc0 src table":        "the name of a stick table is missing after 'table'",
		"track-sc0 src tabel t":      "unexpected word 'tabel': want http-request track-sc <expression> [table <table>] [{ if | unless } <condition>]",
		"sc-inc-gpc0":                "'sc-inc-gpc0' needs a counter in parentheses, as 'sc-inc-gpc0(0)'",
		"sc-inc-gpc0(3)":             "'sc-inc-gpc0': there is no counter '3': they go from 0 to 2",
		"sc-inc-gpc(0)":              "'sc-inc-gpc' needs an index and a counter in parentheses, as 'sc-inc-gpc(0,0)'",
		"sc-inc-gpc0(0,0)":           "'sc-inc-gpc0' needs a counter in parentheses, as 'sc-inc-gpc0(0)'",
		"sc-inc-gpc(100,0)":          "'sc-inc-gpc': index '100' is out of bounds: want 0 to 99",
		"sc-set-gpt0(0)":             "a sample expression is missing after 'sc-set-gpt0(0)'",
		"sc-set-gpt0(0) 99999999999": "'99999999999' does not fit into 32 bits",
	} {
		p := parser(rule.Request, text)
		p.Lookup.Env.Counters = 3
		p.Lookup.Env.Later = func(sample.Reference) {}
		if _, err := p.Parse(); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
	var fits error
	p := parser(rule.Request, "track-sc0 always_true table t")
	p.Lookup.Env.Counters = 3
	p.Lookup.Env.Later = func(r sample.Reference) { fits = r.Fits(&table.Spec{Name: "t", Type: table.IP}) }
	if _, err := p.Parse(); err != nil || fits == nil || !strings.Contains(fits.Error(), "of type ip") {
		t.Errorf("%v, %v", err, fits)
	}
}

func TestTrackingAllocatesNothing(t *testing.T) {
	x := tracked(t, table.Column{Datum: table.ConnCur, N: 1}, table.Column{Datum: table.HTTPReqRate, N: 1, Period: time.Minute}, table.Column{Datum: table.GPC0, N: 1})
	rules := rule.NewRunner(sample.NewContext(16384, 1), "", 1).Bind(trackRule(t, rule.Request, "track-sc0 src", "sc-inc-gpc0(0) if { sc0_http_req_rate gt 3 }"))
	var out txn.Outcome
	one := func() {
		rules.Run(x, &out)
		x.Count(table.Error, 0)
		x.CountBytes(1, 2, 0)
		x.Tracked.Leave(0)
	}
	one()
	if n := testing.AllocsPerRun(100, one); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if x.Counter(0).Valid() {
		t.Error("what was left is tracked")
	}
}
