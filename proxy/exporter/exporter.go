// Package exporter writes the counters of the proxy as metrics of Prometheus
// ("http-request use-service prometheus-exporter"), by the names that the reference's
// exporter has for them, and histograms of times besides. It knows the engine by an
// interface, and answers as a service.
package exporter

import (
	"bytes"
	"iter"
	"math"
	"net/url"
	"slices"
	"strings"

	"bench/proxy/message"
	"bench/proxy/service"
	"bench/proxy/spec"
	"bench/proxy/stats"
	"bench/proxy/table"
)

// Engine is what the exporter reads. Methods may be called from any goroutine.
type Engine interface {
	Info() stats.Info
	// Rows are those of "show stat", with how long streams took if latency is set. A
	// row is good until the next one.
	Rows(latency bool) iter.Seq[*stats.Row]
	// Tables are the stick tables.
	Tables() []*table.Table
}

// Name is what rules call the service.
const Name = "prometheus-exporter"

// prefix begins the names of all metrics.
const prefix = "haproxy_"

var nan = math.NaN()

// exporter writes the answers.
type exporter struct {
	engine  Engine
	scopes  []scope
	process []string
	// desc are the descriptions of proxies by name.
	desc map[string]string
}

// scope is one group of metrics, by the name of the parameter that asks for it.
type scope struct {
	name    string
	typ     stats.RowType
	metrics []metric
	extra   []metric
}

// New makes the service for the proxies of a configuration.
func New(e Engine, cfg *spec.Config) *service.Service {
	x := &exporter{engine: e, desc: map[string]string{}}
	for _, px := range cfg.Proxies {
		if px.Description != "" {
			x.desc[px.Name] = strings.ToValidUTF8(px.Description, "\ufffd") // scrapers refuse other text
		}
	}
	for _, s := range []struct {
		name string
		typ  stats.RowType
	}{{"frontend", stats.RowFrontend}, {"listener", stats.RowListener}, {"backend", stats.RowBackend}, {"server", stats.RowServer}} {
		x.scopes = append(x.scopes, scope{s.name, s.typ, metricsOf(s.typ), modules()})
	}
	x.process = slices.Collect(strings.Lines(strings.TrimSpace(processMetrics)))
	return &service.Service{Name: "<PROMEX>", Serve: x.serve}
}

// request is what the query asks for.
type request struct {
	scopes  map[string]bool
	noMaint bool
	extra   bool
	desc    bool
	bad     bool
}

// readRequest reads a query. Words that nobody knows do no harm.
func readRequest(query []byte) request {
	r := request{}
	all := []string{"global", "frontend", "listener", "backend", "server", "sticktable"}
	ask := func(on bool, names ...string) {
		if r.scopes == nil || !on {
			r.scopes = map[string]bool{}
		}
		for _, n := range names {
			r.scopes[n] = true
		}
	}
	for part := range strings.SplitSeq(string(query), "&") {
		key, value, given := strings.Cut(part, "=")
		key, err1 := url.QueryUnescape(key)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			r.bad = true
			return r
		}
		switch key {
		case "scope":
			switch {
			case !given:
				r.bad = true
			case value == "":
				ask(false)
			case value == "*":
				ask(true, all...)
			case slices.Contains(all, value):
				ask(true, value)
			default:
				r.bad = true
			}
		case "no-maint":
			r.noMaint = true
		case "extra-counters":
			r.extra = true
		case "desc-labels", "desc":
			r.desc = true
		}
	}
	if r.scopes == nil {
		ask(true, all...)
	}
	return r
}

// serve answers a request.
func (x *exporter) serve(q *service.Request, w service.Writer) {
	r := readRequest(q.Query())
	if r.bad {
		text := "<html><body><h1>400 Bad request</h1>\nThe scope is one of global, frontend, listener, backend, server, sticktable and *.\n</body></html>\n"
		w.Begin(service.Head{Status: 400, Reason: "Bad Request", Known: true, Length: len(text), Fields: [][2]string{{"cache-control", "no-cache"}, {"content-type", "text/html"}}})
		_, _ = w.Write([]byte(text))
		return
	}
	var out writer
	kind := "text/plain; version=0.0.4"
	if wantsProtobuf(q) {
		out, kind = &binary{w: w}, "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
	} else {
		out = &text{w: w}
	}
	w.Begin(service.Head{Status: 200, Reason: "OK", Fields: [][2]string{{"cache-control", "no-cache"}, {"content-type", kind}}})
	if r.scopes["global"] {
		x.writeProcess(out)
	}
	x.writeRows(out, &r)
	if r.scopes["sticktable"] {
		x.writeTables(out)
	}
	out.flush()
}

// wantsProtobuf tells whether the client prefers the form that has native histograms.
func wantsProtobuf(q *service.Request) bool {
	accept := q.GetID(message.Accept)
	i := bytes.Index(accept, []byte("application/vnd.google.protobuf"))
	if i < 0 || !bytes.Contains(accept, []byte("encoding=delimited")) {
		return false
	}
	// Whoever lists it behind a plainer form with the same weight is given that: lists
	// of scrapers begin with what they like best.
	j := bytes.Index(accept, []byte("text/plain"))
	return j < 0 || i < j
}

// writeProcess writes what is about the process.
func (x *exporter) writeProcess(out writer) {
	i := x.engine.Info()
	for _, l := range x.process {
		f := strings.Fields(l)
		k := gauge
		if f[2] == "counter" {
			k = counter
		}
		name := prefix + "process_" + f[1]
		if f[1] == "build_info" {
			out.family(name, "version of the proxy", k)
			out.sample([]label{{"version", i.Version}}, 1, false)
			continue
		}
		v, doc, ok := stats.InfoNumber(&i, strings.ReplaceAll(f[0], "_Jobs", " Jobs"))
		if !ok {
			v = nan
		}
		out.family(name, doc, k)
		out.sample(nil, v, false)
	}
}

// writeTables writes what is about stick tables.
func (x *exporter) writeTables(out writer) {
	each := func(name, help string, value func(*table.Table) int) {
		out.family(prefix+"sticktable_"+name, help, gauge)
		for _, t := range x.engine.Tables() {
			out.sample([]label{{"name", t.Name}, {"type", t.Type.String()}}, float64(value(t)), false)
		}
	}
	each("size", "most entries that the stick table has room for", func(t *table.Table) int { return int(t.Size) })
	each("used", "entries of the stick table", func(t *table.Table) int { return int(t.Used()) })
}

// label is one label of a value.
type label struct{ name, value string }

// writer writes families of metrics in one of the forms.
type writer interface {
	// family begins a family; nothing is written of one without values.
	family(name, help string, k kind)
	sample(labels []label, v float64, float bool)
	times(labels []label, h *stats.Histogram)
	flush()
}

// writeRows writes what is about proxies and servers: metric by metric, so that the rows
// are kept meanwhile.
func (x *exporter) writeRows(out writer, r *request) {
	byType := map[stats.RowType][]item{}
	states, checks := map[string]int{}, map[string]int{}
	for row := range x.engine.Rows(true) {
		it := item{Row: *row}
		switch row.Type {
		case stats.RowServer:
			states[serverState(row)]++
			if row.Server.Check.Enabled && !row.Server.Maint {
				checks[row.Server.Check.Status]++
			}
		case stats.RowBackend:
			it.states, it.checks = states, checks
			states, checks = map[string]int{}, map[string]int{}
		case stats.RowFrontend, stats.RowListener:
		}
		if r.noMaint && row.Type == stats.RowServer && row.Server.Maint || !r.scopes[scopeOf(row.Type)] {
			continue
		}
		byType[row.Type] = append(byType[row.Type], it)
	}
	for _, s := range x.scopes {
		rows := byType[s.typ]
		metrics := s.metrics
		if r.extra {
			metrics = slices.Concat(metrics, s.extra)
		}
		if s.typ == stats.RowBackend || s.typ == stats.RowServer {
			metrics = slices.Concat(metrics, histograms())
		}
		for i := range metrics {
			x.writeMetric(out, r, s.name, &metrics[i], rows)
		}
	}
}

func scopeOf(t stats.RowType) string {
	return [...]string{stats.RowFrontend: "frontend", stats.RowBackend: "backend", stats.RowServer: "server", stats.RowListener: "listener"}[t]
}

func (x *exporter) writeMetric(out writer, r *request, scope string, m *metric, rows []item) {
	out.family(prefix+scope+"_"+m.name, m.help, m.kind)
	for i := range rows {
		row := &rows[i]
		labels := []label{{"proxy", row.Proxy}}
		switch row.Type {
		case stats.RowListener:
			labels = append(labels, label{"listener", row.Name})
		case stats.RowServer:
			labels = append(labels, label{"server", row.Name})
		case stats.RowFrontend, stats.RowBackend:
			if d := x.desc[row.Proxy]; r.desc && d != "" {
				labels = append(labels, label{"desc", d})
			}
		}
		if m.times != nil {
			out.times(labels, m.times(&row.Row))
			continue
		}
		m.each(row, func(name, of string, v float64) {
			all := labels
			if name != "" {
				all = append(slices.Clip(labels), label{name, of})
			}
			out.sample(all, v, m.float)
		})
	}
}
