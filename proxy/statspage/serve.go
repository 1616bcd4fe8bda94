package statspage

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"bench/proxy/message"
	"bench/proxy/service"
	"bench/proxy/spec"
	"bench/proxy/stats"
)

// visit is one request to the page.
type visit struct {
	*Page
	*service.Request
	px    *spec.Proxy
	page  *spec.StatsPage
	query query
	start time.Time
}

// serve answers a request.
func (p *Page) serve(r *service.Request, w service.Writer) {
	v := visit{Page: p, Request: r, px: p.proxies[r.Proxy], start: p.now()}
	v.page = v.px.StatsPage
	target := r.PathAndQuery()
	if !strings.HasPrefix(v.page.URI, "/") {
		target = r.Target
	}
	v.query = readQuery(bytes.TrimPrefix(target, []byte(v.page.URI)))
	v.query.noRefresh = v.query.noRefresh && v.page.Refresh > 0
	if r.MethodID == message.MethodPost {
		v.redirect(w, v.act())
		return
	}
	v.show(w)
}

// redirect leads a browser from a form back to the page, so that to load it again does
// not mean to act again.
func (v *visit) redirect(w service.Writer, status string) {
	location := v.page.URI + ";st=" + status
	if v.query.up {
		location += ";up"
	}
	if v.query.noRefresh {
		location += ";norefresh"
	}
	if v.query.scope != "" {
		location += "?scope=" + v.query.scope
	}
	w.Begin(service.Head{Status: 303, Reason: "See Other", Known: true, Fields: [][2]string{
		{"cache-control", "no-cache"}, {"content-type", "text/plain"}, {"location", location},
	}})
}

// show writes what was asked for.
func (v *visit) show(w service.Writer) {
	h := service.Head{Status: 200, Reason: "OK", Fields: [][2]string{{"cache-control", "no-cache"}}}
	kind := "text/plain"
	switch v.query.form {
	case formHTML:
		kind = "text/html; charset=utf-8"
		h.Fields = append(h.Fields, [2]string{"content-security-policy", v.policy()})
	case formJSON, formSchema:
		kind = "application/json"
	case formCSV, formTyped:
	}
	h.Fields = append(h.Fields, [2]string{"content-type", kind})
	if v.page.Refresh > 0 && !v.query.noRefresh && v.query.form != formHTML {
		// The page itself does so by other means, and keeps what its reader has opened.
		h.Fields = append(h.Fields, [2]string{"refresh", seconds(v.page.Refresh)})
	}
	w.Begin(h)
	// An error is that of a client who has gone: there is nobody to tell.
	switch v.query.form {
	case formHTML:
		v.writePage(w)
	case formSchema:
		_, _ = w.Write(stats.Schema())
	case formCSV:
		_ = stats.WriteRows(w, v.rows(v.query.extended), v.selection(), stats.Text, false)
	case formTyped:
		_ = stats.WriteRows(w, v.rows(false), v.selection(), stats.Typed, false)
	case formJSON:
		_ = stats.WriteRows(w, v.rows(false), v.selection(), stats.JSON, false)
	}
}

// rows are those of the engine, without what only legends have, unless they are shown.
func (v *visit) rows(latency bool) iter.Seq[*stats.Row] {
	if v.page.ShowLegends {
		return v.engine.Rows(latency)
	}
	return func(yield func(*stats.Row) bool) {
		for r := range v.engine.Rows(latency) {
			r.Addr, r.Server.Cookie, r.Backend.CookieName, r.Backend.Algorithm = "", "", "", ""
			if !yield(r) {
				return
			}
		}
	}
}

// seconds writes a time as "refresh" fields have it: at least one second.
func seconds(d time.Duration) string {
	return strconv.FormatInt(max(int64((d+time.Second-1)/time.Second), 1), 10)
}

// selection is which rows are shown: those in the page's scope, and in the reader's.
func (v *visit) selection() stats.Selection {
	sel := stats.All()
	sel.Up, sel.NoMaint, sel.Extended = v.query.up, v.query.noMaint, v.query.extended
	want := strings.ToLower(v.query.scope)
	sel.Proxy = func(name string) bool {
		if v.page.Scope != nil && !slices.Contains(v.page.Scope, name) && (name != v.px.Name || !slices.Contains(v.page.Scope, ".")) {
			return false
		}
		return want == "" || strings.Contains(strings.ToLower(name), want)
	}
	return sel
}

// policy is what a browser may do with the page: nothing but run its own script, ask for
// it again, and send its forms. Where it can change something, no other page may frame it.
func (v *visit) policy() string {
	hash := sha256.Sum256([]byte(script))
	s := "default-src 'none'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'"
	if v.Admin {
		s += "; frame-ancestors 'self'"
	}
	return s
}
