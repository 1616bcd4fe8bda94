package format

import (
	"maps"
	"slices"
	"strings"

	"bench/loadgen/http1"
	"bench/loadgen/trace"
	"bench/loadgen/workload"
)

// HTTP is the load as the generator reads it.
func (l *Load) HTTP() http1.Spec {
	h := http1.Spec{Host: l.Host, Cookies: l.Cookies}
	whole := http1.Request{
		Method: l.Method, Path: l.Path, Headers: headers(l.Headers), Body: l.Body.body(), Expect: l.Expect.expect(),
	}
	for i := range l.Requests {
		h.Requests = append(h.Requests, l.Requests[i].over(whole, l.Headers))
	}
	if h.Requests == nil {
		h.Requests = []http1.Request{whole}
	}
	return h
}

// over is the request of a load that says the rest.
func (r *Request) over(whole http1.Request, common map[string]string) http1.Request {
	whole.Name, whole.Weight = r.Name, r.Weight
	if r.Method != "" {
		whole.Method = r.Method
	}
	if r.Path != "" {
		whole.Path = r.Path
	}
	if len(r.Headers) > 0 {
		merged := maps.Clone(r.Headers)
		for name, value := range common {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(merged)), func(own string) bool { return strings.EqualFold(own, name) }) {
				merged[name] = value
			}
		}
		whole.Headers = headers(merged)
	}
	if r.Body != nil {
		whole.Body = r.Body.body()
	}
	if r.Expect != nil {
		whole.Expect = r.Expect.expect()
	}
	return whole
}

// headers sorts headers by name, so that a scenario always sends the same.
func headers(m map[string]string) (all []http1.Header) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		all = append(all, http1.Header{Name: name, Value: m[name]})
	}
	return all
}

func (c *Content) body() http1.Body {
	return http1.Body{Text: c.Text, File: c.File, Size: int64(c.Size), Template: c.Template, ChunkBytes: int(c.Chunk)}
}

func (x *Expect) expect() http1.Expect {
	return http1.Expect{Status: x.Status, Headers: headers(x.Headers), Bytes: x.Bytes.bytes(), SHA256: x.Sha256, Contains: x.Contains}
}

// trace is the load's trace as the generator reads it; nil without one.
func (t *Trace) trace() *trace.Spec {
	if t == nil {
		return nil
	}
	return &trace.Spec{File: t.File, Format: t.Format, Speed: t.Speed}
}

// Spec is a load as the generator reads it, but for where it goes to and on
// which processors it runs.
func (s *Scenario) Spec(l *Load) workload.Spec {
	spec := workload.Spec{
		Integrity: s.IntegrityOf(l), Pieces: l.Pieces.pieces(),
		Name: l.Name, Protocol: l.Protocol, Title: l.Target,
		Arrival: workload.Arrival(l.Arrival), ThinkUs: l.Think.Us(), Trace: l.Trace.trace(),
		Connections: workload.Connections{
			Pool:                  int(l.Connections.Pool),
			RequestsPerConnection: l.Connections.RequestsPerConnection,
			MaxAgeUs:              l.Connections.MaxAge.Us(),
			Pipeline:              l.Connections.Pipeline,
		},
		TimeoutUs: l.Timeout.Us(), ConnectTimeoutUs: l.ConnectTimeout.Us(),
	}
	if t := l.TLS; t != nil {
		spec.TLS = &workload.TLS{Name: t.Name, Ciphers: t.Ciphers, Full: t.Sessions == "full", MinVersion: t.Version, MaxVersion: t.Version}
	}
	switch l.Protocol {
	case "tcp":
		spec.TCP = l.TCP.Spec()
	case "mysql":
		spec.MySQL = l.MySQL.Spec()
		spec.MySQL.Client = l.Name
	case "redis":
		spec.Redis = l.Redis.Spec()
		spec.Redis.Client = l.Name
	default:
		spec.HTTP, spec.HTTP2 = l.HTTP(), l.HTTP2.Spec()
	}
	for _, p := range l.Phases {
		phase := workload.Phase{Name: p.Name, LengthUs: p.For.Us(), Measure: p.Measure, Steps: p.Steps, Burst: p.Burst}
		if p.Rate != nil {
			phase.From, phase.To = p.Rate.From, p.Rate.To
		}
		if p.Connections != nil {
			n := int(*p.Connections)
			phase.Connections = &n
		}
		spec.Phases = append(spec.Phases, phase)
	}
	return spec
}
