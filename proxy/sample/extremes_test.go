package sample_test

import (
	"strings"
	"testing"

	"bench/proxy/sample"
	"bench/proxy/txn"
	"bench/proxy/txn/txntest"
)

// Whatever numbers an expression is written with, it has a value or none: no number is so
// large, or so far below zero, that taking it leads beyond what there is.
func TestExtremeArguments(t *testing.T) {
	numbers := []string{"-9223372036854775808", "-2147483649", "-1", "0", "1", "7", "65536", "2147483648", "9223372036854775807"}
	list := func(n int) (all []string) {
		all = []string{""}
		for range n {
			var longer []string
			for _, front := range all {
				for _, x := range numbers {
					longer = append(longer, strings.TrimPrefix(front+","+x, ","))
				}
			}
			all = longer
		}
		return all
	}
	var texts []string
	for n := 1; n <= 2; n++ {
		for _, args := range list(n) {
			for _, f := range sample.Fetches() {
				if tracks(f.Name) {
					continue
				}
				texts = append(texts, f.Name+"("+args+")", f.Name+"(x-num,"+args+")")
			}
			for _, c := range sample.Convs() {
				if tracks(c.Name) {
					continue
				}
				texts = append(texts, "str(0123456789abcdef),"+c.Name+"("+args+")", "int(-5),"+c.Name+"("+args+")", "str(a),hex,"+c.Name+"(x,"+args+")")
			}
		}
	}
	x := txntest.New(t, request, response)
	x.Content, x.Body = []byte("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00abcdef"), []byte("a=1&b=2")
	c := sample.NewContext(16384, 1)
	tried := 0
	for _, text := range texts {
		e, err := sample.Compile(text, env())
		if err != nil {
			continue
		}
		tried++
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("%s: %v", text, p)
				}
			}()
			c.Txn = x
			_ = e.EvalAs(c, txn.Str)
		}()
	}
	if tried < 1000 {
		t.Errorf("only %d expressions were compiled", tried)
	}
}

// tracks tells whether an expression is about stick tables, of which there are none here.
func tracks(name string) bool {
	return strings.Contains(name, "table") || strings.HasPrefix(name, "sc") || strings.HasPrefix(name, "src_")
}
