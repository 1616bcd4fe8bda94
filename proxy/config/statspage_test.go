package config

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"bench/proxy/spec"
)

// The first "stats" line of a proxy forgets what the defaults say about its page, as in
// the reference; defaults that are made from others add to them.
func TestStatsPages(t *testing.T) {
	text, err := os.ReadFile("testdata/good/stats-page.cfg")
	if err != nil {
		t.Fatal(err)
	}
	cfg, _ := load(t, string(text))
	var got strings.Builder
	for _, px := range cfg.Proxies {
		p := px.StatsPage
		fmt.Fprintf(&got, "%s: %s realm=%q refresh=%v scope=%v accounts=%v hide=%v node=%v/%s desc=%q legends=%v modules=%v", px.Name, p.URI, p.Realm, p.Refresh, p.Scope, p.Accounts,
			p.HideVersion, p.ShowNode, p.Node, p.Description, p.ShowLegends, p.ShowModules)
		for _, c := range p.Admin {
			fmt.Fprintf(&got, " admin(%s)", c)
		}
		for _, a := range p.Access {
			fmt.Fprintf(&got, " %s", [...]string{spec.StatsAllow: "allow", spec.StatsDeny: "deny", spec.StatsAuth: "auth " + a.Realm}[a.Action])
			if a.Cond != nil {
				fmt.Fprintf(&got, "(%s)", a.Cond)
			}
		}
		got.WriteByte('\n')
	}
	want := `heir: /defaults realm="HAProxy Statistics" refresh=0s scope=[] accounts=[{all users}] hide=false node=false/ desc="" legends=false modules=false
further: /defaults realm="HAProxy Statistics" refresh=10s scope=[] accounts=[{all users}] hide=false node=false/ desc="" legends=false modules=false
own: /own realm="HAProxy Statistics" refresh=2m0s scope=[. heir] accounts=[] hide=true node=true/ desc="some words" legends=true modules=true admin(if local) admin(unless { src 10.0.0.0/8 }) allow(if local) deny(if { src 10.0.0.0/8 }) auth Keep out
behind: /haproxy?stats realm="Here" refresh=0s scope=[] accounts=[{a b} {d e:f}] hide=false node=true/Node-1.example desc="" legends=false modules=false
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
	if d := cfg.Proxies[2].Description; d != "what it is" {
		t.Errorf("description %q", d)
	}
}
