package hold

import (
	"testing"
	"time"

	"bench/proxy/txn"
)

func TestBody(t *testing.T) {
	for _, c := range []struct {
		name    string
		atLeast int
		txn     txn.Txn
		want    txn.Verdict
	}{
		{"nothing yet", 0, txn.Txn{}, txn.Wait},
		{"some of it", 0, txn.Txn{Body: []byte("abc")}, txn.Wait},
		{"all", 0, txn.Txn{Body: []byte("abc"), BodyEnd: true, Final: true}, txn.Next},
		{"no more can be kept", 0, txn.Txn{Body: []byte("abc"), Final: true}, txn.Next},
		{"one less than wanted", 4, txn.Txn{Body: []byte("abc")}, txn.Wait},
		{"as much as wanted", 3, txn.Txn{Body: []byte("abc")}, txn.Next},
		{"more than wanted", 2, txn.Txn{Body: []byte("abc")}, txn.Next},
	} {
		b := Body{For: time.Second, AtLeast: c.atLeast}
		var out txn.Outcome
		if got := b.Run(&c.txn, &out); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		waits := c.want == txn.Wait
		if waits != (out.Need.Body > 0) || waits != (out.Need.For == time.Second) || c.txn.Rule != 0 {
			t.Errorf("%s: needs %+v, goes on at rule %d", c.name, out.Need, c.txn.Rule)
		}
	}
}

func TestTarpitLeadsBehindItself(t *testing.T) {
	x := txn.Txn{Rule: 3, Final: true}
	var out txn.Outcome
	if v := (Tarpit{}).Run(&x, &out); v != txn.Wait || !out.Need.Tarpit || x.Rule != 4 {
		t.Errorf("%v, needs %+v, goes on at rule %d", v, out.Need, x.Rule)
	}
}
