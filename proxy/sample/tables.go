package sample

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"bench/proxy/table"
	"bench/proxy/txn"
)

// keyKinds are what values have to become to be keys of tables.
var keyKinds = [...]txn.Kind{table.IP: txn.IPv4, table.IPv6: txn.IPv6, table.Integer: txn.Int, table.String: txn.Str, table.Binary: txn.Bin}

// Keyable reports whether values of a kind can be keys of a table at all.
func Keyable(from txn.Kind, s *table.Spec) bool { return Castable(from, keyKinds[s.Type]) }

// Key makes a value the key of a table. It is good until the next evaluation, and false
// for a value that cannot be a key.
func (c *Context) Key(v *txn.Value, s *table.Spec) ([]byte, bool) {
	if v.Kind == txn.Str && (s.Type == table.IP || s.Type == table.IPv6) && bytes.IndexByte(v.B, ':') >= 0 != (s.Type == table.IPv6) {
		return nil, false // texts of one version do not become addresses of the other
	}
	if !c.Cast(v, keyKinds[s.Type]) {
		return nil, false
	}
	switch s.Type {
	case table.IP:
		return binary.BigEndian.AppendUint32(c.alloc(4)[:0], uint32(v.Lo)), true
	case table.IPv6:
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(c.alloc(16)[:0], v.Hi), v.Lo), true
	case table.Integer:
		return binary.NativeEndian.AppendUint32(c.alloc(4)[:0], uint32(v.Lo)), true
	case table.Binary:
		room := c.alloc(s.Length)
		return s.Fit(room, v.B), room != nil
	case table.String:
	}
	return s.Fit(nil, v.B), true
}

// datum is something that an entry tells, under a name that follows "sc_", "src_" or
// "table_".
type datum struct {
	name  string
	of    table.Datum
	shift uint // of the number, to the right
	doc   string
}

// numbers are what counters, sources and keys of tables are all asked for.
func numbers() []datum {
	return []datum{
		{"bytes_in_rate", table.BytesInRate, 0, "Bytes from the client in the table's period"},
		{"bytes_out_rate", table.BytesOutRate, 0, "Bytes to the client in the table's period"},
		{"conn_cnt", table.ConnCnt, 0, "Connections so far"},
		{"conn_cur", table.ConnCur, 0, "Connections at the moment"},
		{"conn_rate", table.ConnRate, 0, "Connections in the table's period"},
		{"gpc0_rate", table.GPC0Rate, 0, "Increments of the first general-purpose counter in the table's period"},
		{"gpc1_rate", table.GPC1Rate, 0, "Increments of the second general-purpose counter in the table's period"},
		{"http_err_cnt", table.HTTPErrCnt, 0, "Requests with a client error so far"},
		{"http_err_rate", table.HTTPErrRate, 0, "Requests with a client error in the table's period"},
		{"http_fail_cnt", table.HTTPFailCnt, 0, "Requests with a server failure so far"},
		{"http_fail_rate", table.HTTPFailRate, 0, "Requests with a server failure in the table's period"},
		{"http_req_cnt", table.HTTPReqCnt, 0, "Requests so far"},
		{"http_req_rate", table.HTTPReqRate, 0, "Requests in the table's period"},
		{"kbytes_in", table.BytesInCnt, 10, "Units of 1024 bytes from the client so far"},
		{"kbytes_out", table.BytesOutCnt, 10, "Units of 1024 bytes to the client so far"},
		{"sess_cnt", table.SessCnt, 0, "Sessions so far"},
		{"sess_rate", table.SessRate, 0, "Sessions in the table's period"},
	}
}

// general are the counters and tags for any purpose, which "table_" has under other
// names than the fetches.
func general(prefix string) []datum {
	return []datum{
		{prefix + "gpc0", table.GPC0, 0, "The first general-purpose counter"},
		{prefix + "gpc1", table.GPC1, 0, "The second general-purpose counter"},
		{prefix + "gpt0", table.GPT0, 0, "The first general-purpose tag"},
	}
}

// arrays are those of which there are several, by number.
func arrays(prefix string) []datum {
	return []datum{
		{prefix + "gpc", table.GPC, 0, "A general-purpose counter by its number"},
		{"gpc_rate", table.GPCRate, 0, "Increments of a general-purpose counter, by its number, in the table's period"},
		{prefix + "gpt", table.GPT, 0, "A general-purpose tag by its number"},
	}
}

// checkElement holds that the first argument is an index of an array.
func checkElement(_ *Env, a []Arg) error {
	if a[0].Int < 0 || a[0].Int >= table.MaxArray {
		return fmt.Errorf("index %d is out of bounds: want 0 to %d", a[0].Int, table.MaxArray-1)
	}
	return nil
}

// ownTable makes argument i, where it was left out, the table of the section at hand.
func ownTable(i int) func(*Env, []Arg) error {
	return func(env *Env, a []Arg) error {
		if a[i].set {
			return nil
		}
		return env.table(&a[i], "", 0, nil)
	}
}

func both(checks ...func(*Env, []Arg) error) func(*Env, []Arg) error {
	return func(env *Env, a []Arg) error {
		for _, check := range checks {
			if err := check(env, a); err != nil {
				return err
			}
		}
		return nil
	}
}

func (c *Context) farm() txn.Farm { return c.Txn.Stream.Farm() }

// read makes the value what an entry tells; 0 where there is no entry. It reports false
// for what the entry's table does not hold.
func (d *datum) read(c *Context, r table.Ref, i int, v *txn.Value) bool {
	v.SetInt(0)
	if !r.Valid() {
		return true
	}
	n, ok := r.Value(d.of, i, c.farm().Now())
	v.SetInt(int64(n >> d.shift))
	return ok
}

// numbered takes the number of a counter out of the name of a fetch, such as
// sc0_conn_cnt for sc_conn_cnt(0).
func numbered(name string) (full, counter string, ok bool) {
	rest, found := strings.CutPrefix(name, "sc")
	if !found || len(rest) < 2 || rest[0] < '0' || rest[0] > '2' || rest[1] != '_' {
		return "", "", false
	}
	full = "sc" + rest[1:]
	return full, rest[:1], slices.ContainsFunc(fetches, func(f Fetch) bool { return f.Name == full && f.params[0] == 'k' })
}

// numberedNames are the names of a fetch that say the counter.
func numberedNames(of string) (names []string) {
	for _, counter := range []string{"0", "1", "2"} {
		name := strings.Replace(of, "sc_", "sc"+counter+"_", 1)
		if full, _, ok := numbered(name); ok && full == of {
			names = append(names, name)
		}
	}
	return names
}
