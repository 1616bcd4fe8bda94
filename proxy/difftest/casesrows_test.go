package difftest

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"bench/proxy/acl"
	"bench/proxy/logformat"
	"bench/proxy/pattern"
	"bench/proxy/rule"
	"bench/proxy/sample"
)

// triedInTLS tells whether a case of TLS asks for a fetch.
func triedInTLS(fetch string) bool {
	if fetch == "ssl_bc_session_id" { // OpenSSL makes one up where the server gives none
		return true
	}
	asks := regexp.MustCompile(`\b` + regexp.QuoteMeta(fetch) + `\b`)
	return slices.ContainsFunc(tlsCases, func(c tlsCase) bool { return asks.MatchString(c.frontend) || asks.MatchString(c.backend) })
}

// Every fetch, converter, action in each of its places, alias of log formats, and method
// and flag of ACLs has a case, or a reason not to have one.
func TestEveryRowHasACase(t *testing.T) {
	words, cases, acls := map[string]bool{}, []string{}, []string{}
	split := regexp.MustCompile(`[a-z0-9_.+-]+`)
	for _, f := range families(t) {
		for _, c := range f.all() {
			for _, w := range split.FindAllString(c.text, -1) {
				words[w] = true
			}
			if c.kind == "acl" {
				acls = append(acls, c.text+" ")
			}
			if c.kind == "case" {
				cases = append(cases, strings.Split(c.text, " ;; ")...)
			}
		}
	}
	without := []string{
		// Only rules about content in mode tcp have a value for these, or a TLS hello does; the
		// exchanges have them.
		"req.len", "req.payload", "payload_lv", "req.payload_lv", "res.payload_lv", "res.payload", "res.len", "res.ssl_hello_type", "req.ssl_hello_type", "req.ssl_sni", "req.ssl_alpn", "req.ssl_ver", "req.ssl_ec_ext", "req.ssl_st_ext", "req.rdp_cookie", "req.rdp_cookie_cnt",
	}
	// What tables count, TLS, the PROXY protocol and name servers have comparisons of their own.
	elsewhere := regexp.MustCompile(`^(fc_pp_|fc_rcvd_proxy$|expect-proxy$|expect-netscaler-cip$|sc[0-9]?_|src_[a-z]+[01]?_|ssl_|table_|in_table$|sc-|track-sc|use-service$|switch-mode$|do-resolve$)`)
	for _, f := range sample.Fetches() {
		if strings.HasPrefix(f.Name, "ssl_") && !triedInTLS(f.Name) {
			t.Errorf("fetch %s is in no case of TLS", f.Name)
		}
		if elsewhere.MatchString(f.Name) && f.Name != "src_is_local" {
			continue
		}
		has := words[f.Name] || slices.ContainsFunc(sample.OtherNames(f.Name), func(n string) bool { return words[n] })
		if has == slices.Contains(without, f.Name) {
			t.Errorf("fetch %s has a case: %v", f.Name, has)
		}
	}
	for _, c := range sample.Convs() {
		if !words[c.Name] && !elsewhere.MatchString(c.Name) {
			t.Errorf("converter %s has no case", c.Name)
		}
	}
	for _, name := range slices.Concat(acl.Derived(), pattern.Methods()) {
		if !words[name] && !strings.HasPrefix(name, "scook_") && !strings.HasPrefix(name, "shdr_") { // which are about responses
			t.Errorf("'%s' of ACLs has no case", name)
		}
	}
	for _, a := range logformat.Aliases() {
		named := regexp.MustCompile(`^log-format "own @?%` + a.Name + `[@|"]`)
		if !slices.ContainsFunc(cases, named.MatchString) {
			t.Errorf("alias %%%s of log formats has no case", a.Name)
		}
	}
	for _, flag := range []string{"-i", "-n", "-M", "-m", "-f", "-u", "--"} {
		asked := regexp.MustCompile(` ` + flag + ` `)
		if !slices.ContainsFunc(acls, asked.MatchString) {
			t.Errorf("flag %s of ACLs has no case", flag)
		}
	}
	for _, a := range rule.Actions() {
		for p := range rule.NumPlaces {
			if !a.Places.Has(p) || elsewhere.MatchString(a.Name) {
				continue
			}
			line := regexp.MustCompile(`^(be:)?` + p.String() + " " + a.Name + `($|[ (])`)
			if !slices.ContainsFunc(cases, line.MatchString) {
				t.Errorf("'%s %s' has no case", p, a.Name)
			}
		}
	}
}
