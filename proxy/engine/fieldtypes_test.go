package engine_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"bench/internal/testpeer"
)

// fieldsConfig has rows of every kind: with checks, agents, cookies, limits, tracking, in
// maintenance, and without.
const fieldsConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 1
    maxconn 1000
defaults
    mode http
    timeout client 30s
    timeout server 30s
    timeout connect 10s
frontend fe
    bind unix@%[1]s/fe name x
    option socket-stats
    compression algo gzip
    default_backend be
backend be
    cookie SRV insert
    server s1 127.0.0.1:1 check inter 1h cookie a maxconn 10 maxqueue 5 slowstart 2s agent-check agent-port 1 agent-inter 1h
    server s2 127.0.0.1:1 track be/s1
    server s3 127.0.0.1:1 check disabled
    server s4 %[1]s/none backup
backend fixed
    fullconn 7
    balance source
    server s 127.0.0.1:1 weight 5
listen tl
    mode tcp
    bind unix@%[1]s/tl maxconn 50
    rate-limit sessions 9
    server q 127.0.0.1:1
`

// sameValue are columns whose values are those of the reference, too, as nothing has moved
// them yet.
var sameValue = []string{"slim", "qlimit", "rate_lim", "weight", "uweight", "act", "bck", "cookie", "algo", "mode", "tracked", "type", "iid", "sid", "pid", "pxname", "svname", "check_rise", "check_fall", "agent_rise", "agent_fall"}

// fieldTypes are what a typed answer says of each field: its tags and its type, and the
// value of those in sameValue.
func fieldTypes(answer string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(answer) {
		key, rest, found := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		parts := strings.SplitN(rest, ":", 3)
		if !found || len(parts) < 3 {
			continue
		}
		fields[key] = parts[0] + ":" + parts[1]
		for _, name := range sameValue {
			if strings.Contains(key, "."+name+".") {
				fields[key] += ":" + parts[2]
			}
		}
	}
	return fields
}

// jsonTypes are the same of an answer in JSON.
func jsonTypes(t *testing.T, answer string) map[string]string {
	t.Helper()
	type field struct {
		ObjType   string
		ProxyID   int `json:"proxyId"`
		ID        int `json:"id"`
		Field     struct{ Name string }
		Tags      map[string]string
		Value     struct{ Type string }
		ProcessNo int `json:"processNum"`
	}
	var rows [][]field
	if err := json.Unmarshal([]byte(answer), &rows); err != nil {
		var row []field
		if err := json.Unmarshal([]byte(answer), &row); err != nil {
			t.Fatalf("%v in %.200q", err, answer)
		}
		rows = [][]field{row}
	}
	fields := map[string]string{}
	for _, row := range rows {
		for _, f := range row {
			fields[fmt.Sprintf("%s.%d.%d.%s", f.ObjType, f.ProxyID, f.ID, f.Field.Name)] = fmt.Sprint(f.Tags, f.Value.Type, f.ProcessNo)
		}
	}
	return fields
}

// Every field of "show stat" and "show info" is there where the reference has it, and has
// its tags and its type, typed and in JSON.
func TestFieldsHaveTheTypesOfTheReference(t *testing.T) {
	p := startPair(t, fieldsConfig)
	testpeer.Listening(t, p.ours+"/stats")
	waitFor(t, "the first check of both programs", func() bool {
		const took = ".check_duration."
		theirs, ours := p.both(t, "stats", "show stat typed")
		return strings.Contains(theirs, took) && strings.Contains(ours, took)
	})
	for _, command := range []string{"show stat typed", "show info typed", "show stat json", "show info json"} {
		theirs, ours := p.both(t, "stats", command)
		want, got := fieldTypes(theirs), fieldTypes(ours)
		if strings.HasSuffix(command, "json") {
			want, got = jsonTypes(t, theirs), jsonTypes(t, ours)
		}
		if len(want) < 50 {
			t.Fatalf("%s: the reference has %d fields", command, len(want))
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if got[key] != want[key] {
				t.Errorf("%s: %s is %q, there %q", command, key, got[key], want[key])
			}
		}
		for _, key := range slices.Sorted(maps.Keys(got)) {
			if _, known := want[key]; !known {
				t.Errorf("%s: %s is not there", command, key)
			}
		}
	}
}
