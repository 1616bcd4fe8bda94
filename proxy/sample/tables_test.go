package sample_test

import (
	"testing"
	"time"

	"bench/proxy/sample"
	"bench/proxy/table"
	"bench/proxy/txn"
	"bench/proxy/txn/txntest"
)

// tableEnv is env with two tables, of which "" and own are the first.
func tableEnv() *sample.Env {
	e := env()
	e.Counters = 3
	e.Later = func(r sample.Reference) {
		if r.Arg.Int = 0; r.Name == "other" {
			r.Arg.Int = 1
		}
	}
	return e
}

// tracking is a transaction that tracks its client's address, 10.1.2.3, by counter 0 in
// the first table, and a text by counter 1 in the second, which holds little.
func tracking(t testing.TB) *txn.Txn {
	x := txntest.New(t, request, response)
	own := &table.Spec{Name: "own", Type: table.IP, Length: 4, Size: 100, Expire: time.Minute}
	for d := range table.NumData {
		switch d {
		case table.GPC, table.GPCRate, table.GPT:
			continue
		default:
			own.Add(table.Column{Datum: d, N: 1, Period: 10 * time.Second})
		}
	}
	other := &table.Spec{Name: "other", Type: table.String, Length: 8, Size: 10}
	other.Add(table.Column{Datum: table.GPC, N: 2})
	other.Add(table.Column{Datum: table.GPCRate, N: 2, Period: time.Minute})
	other.Add(table.Column{Datum: table.GPT, N: 2})
	farm := &x.Stream.(*txntest.Stream).Engine
	farm.Tables, farm.Time = []*table.Table{table.New(own), table.New(other)}, int64(time.Hour)
	now := farm.Time
	r, _ := farm.Tables[0].Track([]byte{10, 1, 2, 3}, table.Session|table.Request|table.Error|table.Failure, now)
	r.AddBytes(5000, 70000, now)
	r.SetServer(7, "s7", now)
	r.Set(table.GPT0, 0, 44, now)
	r.Increase(table.Counter{Number: table.GPC0, Rate: table.GPC0Rate}, 5, now)
	r.Increase(table.Counter{Number: table.GPC1, Rate: table.GPC1Rate}, 6, now)
	x.Tracked.Put(0, 3, r)
	r, _ = farm.Tables[1].Track([]byte("text"), 0, now)
	r.Increase(table.Counter{Number: table.GPC, Rate: table.GPCRate, Index: 1}, 9, now)
	r.Set(table.GPT, 1, 8, now)
	x.Tracked.Put(1, 3, r)
	return x
}

var tableResults = []struct{ expr, want string }{
	{"sc_conn_cnt(0)", "1"},
	{"sc0_conn_cur", "1"},
	{"sc0_conn_rate()", "1"},
	{"sc0_sess_cnt", "1"},
	{"sc0_sess_rate", "1"},
	{"sc0_http_req_cnt", "1"},
	{"sc0_http_req_rate", "1"},
	{"sc0_http_err_cnt", "1"},
	{"sc0_http_err_rate", "1"},
	{"sc0_http_fail_cnt", "1"},
	{"sc0_http_fail_rate", "1"},
	{"sc0_bytes_in_rate", "5000"},
	{"sc0_bytes_out_rate", "70000"},
	{"sc0_kbytes_in", "4"},
	{"sc0_kbytes_out", "68"},
	{"sc0_get_gpc0", "5"},
	{"sc0_get_gpc1", "6"},
	{"sc0_get_gpt0", "44"},
	{"sc0_gpc0_rate", "5"},
	{"sc0_gpc1_rate", "6"},
	{"sc_get_gpc(1,1)", "9"},
	{"sc_gpc_rate(1,1)", "9"},
	{"sc_get_gpt(1,1)", "8"},
	{"sc_get_gpc(2,1)", "<none>"},
	{"sc1_conn_cnt", "<none>"},
	{"sc2_conn_cnt", "<none>"},
	{"sc0_tracked", "1"},
	{"sc2_tracked", "0"},
	{"sc0_trackers", "1"},
	{"sc2_trackers", "<none>"},
	{"sc0_trackers(own)", "1"},
	{"sc0_trackers(other)", "0"},
	{"sc0_conn_cnt(own)", "1"},
	{"sc0_conn_cnt(other)", "0"},
	{"sc_conn_cnt(0,own)", "1"},
	{"sc0_inc_gpc0", "6"},
	{"sc0_inc_gpc1", "7"},
	{"sc0_clr_gpc0", "5"},
	{"sc0_clr_gpc1", "6"},
	{"sc_inc_gpc(1,1)", "10"},
	{"sc_clr_gpc(1,1)", "9"},
	{"sc_clr_gpc(5,1)", "<none>"},
	{"sc_inc_gpc(5,1)", "0"},
	{"sc2_inc_gpc0", "<none>"},
	{"src_conn_cnt", "1"},
	{"src_conn_cur", "1"},
	{"src_conn_rate(own)", "1"},
	{"src_sess_cnt", "1"},
	{"src_sess_rate", "1"},
	{"src_http_req_cnt", "1"},
	{"src_http_req_rate", "1"},
	{"src_http_err_cnt", "1"},
	{"src_http_err_rate", "1"},
	{"src_http_fail_cnt", "1"},
	{"src_http_fail_rate", "1"},
	{"src_bytes_in_rate", "5000"},
	{"src_bytes_out_rate", "70000"},
	{"src_kbytes_in", "4"},
	{"src_kbytes_out", "68"},
	{"src_get_gpc0", "5"},
	{"src_get_gpc1", "6"},
	{"src_get_gpt0", "44"},
	{"src_gpc0_rate", "5"},
	{"src_gpc1_rate", "6"},
	{"src_get_gpc(1,other)", "0"},
	{"src_gpc_rate(1,other)", "0"},
	{"src_get_gpt(1,other)", "0"},
	{"src_get_gpc(1)", "<none>"},
	{"src_inc_gpc0", "6"},
	{"src_inc_gpc1", "7"},
	{"src_clr_gpc0", "5"},
	{"src_clr_gpc1", "6"},
	{"src_inc_gpc(1,other)", "1"},
	{"src_clr_gpc(1,other)", "0"},
	{"src_updt_conn_cnt", "2"},
	{"src_updt_conn_cnt(other)", "<none>"},
	{"table_avl", "99"},
	{"table_cnt(other)", "1"},
	{"src,in_table", "1"},
	{"str(text),in_table(other)", "1"},
	{"str(texture),in_table(other)", "0"},
	{"str(10.1.2.3),in_table", "1"},
	{"str(::1),in_table", "<none>"},
	{"str(x),in_table", "<none>"},
	{"int(167838211),in_table", "1"},
	{"src,table_conn_cnt", "1"},
	{"src,table_conn_cur", "1"},
	{"src,table_conn_rate", "1"},
	{"src,table_sess_cnt", "1"},
	{"src,table_sess_rate", "1"},
	{"src,table_http_req_cnt", "1"},
	{"src,table_http_req_rate", "1"},
	{"src,table_http_err_cnt", "1"},
	{"src,table_http_err_rate", "1"},
	{"src,table_http_fail_cnt", "1"},
	{"src,table_http_fail_rate", "1"},
	{"src,table_bytes_in_rate", "5000"},
	{"src,table_bytes_out_rate", "70000"},
	{"src,table_kbytes_in", "4"},
	{"src,table_kbytes_out", "68"},
	{"src,table_gpc0", "5"},
	{"src,table_gpc1", "6"},
	{"src,table_gpt0", "44"},
	{"src,table_gpc0_rate", "5"},
	{"src,table_gpc1_rate", "6"},
	{"str(text),table_gpc(1,other)", "9"},
	{"str(text),table_gpc_rate(1,other)", "9"},
	{"str(text),table_gpt(1,other)", "8"},
	{"str(text),table_gpt(2,other)", "<none>"},
	{"src,table_server_id", "7"},
	{"ipv4(1.1.1.1),table_server_id", "0"},
	{"src,table_trackers", "2"},
	{"src,table_expire(own)", "60000"},
	{"src,table_idle(own)", "0"},
	{"ipv4(1.1.1.1),table_expire(own)", "<none>"},
	{"ipv4(1.1.1.1),table_idle(own,5)", "5"},
}

func TestTables(t *testing.T) {
	for _, r := range tableResults {
		e, err := sample.Compile(r.expr, tableEnv())
		if err != nil {
			t.Errorf("%s: %v", r.expr, err)
			continue
		}
		x := tracking(t)
		if got := eval(t, e, x); got != r.want {
			t.Errorf("%s: %q, want %q", r.expr, got, r.want)
		}
		c := sample.NewContext(16384, 1)
		c.Txn = x
		if n := testing.AllocsPerRun(20, func() { e.EvalAs(c, txn.Str) }); n != 0 {
			t.Errorf("%s: %v allocations", r.expr, n)
		}
		for _, tab := range x.Stream.(*txntest.Stream).Engine.Tables {
			tab.Each(int64(time.Hour), func(y *table.Entry) bool {
				if y.Holders() > 1 {
					t.Errorf("%s: an entry is held by %d", r.expr, y.Holders())
				}
				return true
			})
		}
	}
	for expr, want := range map[string]string{
		"sc_conn_cnt(3)": "argument 1 of 'sc_conn_cnt': want the number of a counter, from 0 to 2, not '3'", "sc_get_gpc(100,0)": "'sc_get_gpc': index 100 is out of bounds: want 0 to 99",
		"sc3_conn_cnt": "unknown sample fetch 'sc3_conn_cnt'; did you mean 'sc_conn_cnt'?", "sc0_conn_cnt(own,x)": "too many arguments of 'sc_conn_cnt': want sc_conn_cnt(<counter>[,<table>])",
	} {
		if _, err := sample.Compile(expr, tableEnv()); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", expr, err, want)
		}
	}
}
