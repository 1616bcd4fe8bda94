package scenarios

import (
	"maps"
	"slices"
	"strings"

	"bench/loadgen"
)

// HTTP is the load as the generator reads it.
func (l *Load) HTTP() loadgen.HTTP {
	h := loadgen.HTTP{Host: l.Host, Cookies: l.Cookies}
	whole := loadgen.Request{
		Method: l.Method, Path: l.Path, Headers: headers(l.Headers), Body: l.Body.body(), Expect: l.Expect.expect(),
	}
	for i := range l.Requests {
		h.Requests = append(h.Requests, l.Requests[i].over(whole, l.Headers))
	}
	if h.Requests == nil {
		h.Requests = []loadgen.Request{whole}
	}
	return h
}

// over is the request of a load that says the rest.
func (r *Request) over(whole loadgen.Request, common map[string]string) loadgen.Request {
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
func headers(m map[string]string) (all []loadgen.Header) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		all = append(all, loadgen.Header{Name: name, Value: m[name]})
	}
	return all
}

func (c *Content) body() loadgen.Body {
	return loadgen.Body{Text: c.Text, File: c.File, Size: int64(c.Size), Template: c.Template, ChunkBytes: int(c.Chunk)}
}

func (x *Expect) expect() loadgen.Expect {
	return loadgen.Expect{Status: x.Status, Headers: headers(x.Headers), Bytes: x.Bytes.bytes(), SHA256: x.Sha256, Contains: x.Contains}
}

// trace is the load's trace as the generator reads it; nil without one.
func (t *Trace) trace() *loadgen.Trace {
	if t == nil {
		return nil
	}
	return &loadgen.Trace{File: t.File, Format: t.Format, Speed: t.Speed}
}

// Spec is a load as the generator reads it, but for where it goes to and on
// which processors it runs.
func (s *Scenario) Spec(l *Load) loadgen.Spec {
	spec := loadgen.Spec{
		Integrity: s.integrityOf(l), Pieces: l.Pieces.pieces(),
		Name: l.Name, Protocol: l.Protocol, Title: l.Target,
		Arrival: loadgen.Arrival(l.Arrival), ThinkUs: l.Think.Us(), Trace: l.Trace.trace(),
		Connections: loadgen.Connections{
			Pool:                  int(l.Connections.Pool),
			RequestsPerConnection: l.Connections.RequestsPerConnection,
			MaxAgeUs:              l.Connections.MaxAge.Us(),
			Pipeline:              l.Connections.Pipeline,
		},
		TimeoutUs: l.Timeout.Us(), ConnectTimeoutUs: l.ConnectTimeout.Us(),
	}
	switch l.Protocol {
	case "tcp":
		spec.TCP = l.TCP.tcp()
	case "mysql":
		spec.MySQL = l.MySQL.mysql()
		spec.MySQL.Client = l.Name
	case "redis":
		spec.Redis = l.Redis.redis()
		spec.Redis.Client = l.Name
	default:
		spec.HTTP = l.HTTP()
	}
	for _, p := range l.Phases {
		phase := loadgen.Phase{Name: p.Name, LengthUs: p.For.Us(), Measure: p.Measure, Steps: p.Steps, Burst: p.Burst}
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
