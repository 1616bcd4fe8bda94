package validate

import (
	"fmt"
	"slices"
	"strings"

	"bench/backends/control"
	"bench/backends/fault"
	"bench/backends/httporigin"
	"bench/backends/tcporigin"
	"bench/backends/zone"
	"bench/loadgen/workload"
	"bench/scenarios/certmaker"
	"bench/scenarios/format"
	"bench/scenarios/source"
)

// flaws checks those of a certificate.
func (v *validator) flaws(at string, flaws []string) {
	for i, flaw := range flaws {
		if !slices.Contains(certmaker.Flaws(), flaw) {
			v.fail(fmt.Sprintf("%s.flaws[%d]", at, i), "a certificate can be %s, not %q%s", strings.Join(certmaker.Flaws(), " or "), source.Printable(flaw), source.DidYouMean(flaw, certmaker.Flaws()))
		}
	}
}

// shows checks the certificate and the suites of a load.
func (v *validator) shows(at string, t *format.TLSLoad) {
	if t == nil {
		return
	}
	v.flaws(at, t.Flaws)
	if len(t.Flaws) > 0 && t.Certificate == "" {
		v.fail(at+".flaws", "flaws belong to a certificate, and none is shown")
	}
	for i, name := range t.Ciphers {
		if !workload.KnownSuite(name) {
			v.fail(fmt.Sprintf("%s.ciphers[%d]", at, i), "there is no suite %q of TLS 1.2: want a name like TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", source.Printable(name))
		}
	}
	if len(t.Ciphers) > 0 && t.Version == "1.3" {
		v.fail(at+".ciphers", "the suites of TLS 1.3 cannot be chosen")
	}
}

// origin checks what belongs to the kind of a backend.
func (v *validator) origin(at string, b *format.Backend) {
	for key, kind := range map[string]string{
		"body": "http", "status": "http", "requestsPerConnection": "http", "http": "http", "tcp": "tcp", "mysql": "mysql", "redis": "redis", "dns": "dns",
	} {
		if path := at + "." + key; b.Kind != kind && v.given(path) && !v.Bad[at+".kind"] {
			v.Bad[path] = true
			v.Faults.Add(v.Keys[path], "%s belongs to backends of kind %s, not %s", key, kind, b.Kind)
		}
	}
	if b.TLS != nil {
		if b.Kind == "dns" {
			v.fail(at+".tls", "origins of kind %s do not speak TLS", b.Kind)
		}
		v.flaws(at+".tls", b.TLS.Flaws)
	}
	switch b.Kind {
	case "http":
		v.httpOrigin(at, &b.HTTP)
	case "tcp":
		v.tcpOrigin(at+".tcp", &b.TCP)
	case "mysql":
		v.mysqlOrigin(at+".mysql", &b.MySQL)
	case "dns":
		if text, ok := v.template(at+".dns.records", "", b.DNS.Records); ok {
			if _, err := zone.Parse(text); err != nil {
				v.fail(at+".dns.records", "%s", source.Printable(err.Error()))
			}
		}
	case "redis":
		v.between(at+".redis.maxConnections", b.Redis.MaxConnections, 0, format.MaxOriginConnections)
		if b.Redis.MaxMemory <= 0 && !v.Bad[at+".redis.maxMemory"] {
			v.fail(at+".redis.maxMemory", "maxMemory must be above 0")
		}
	}
}

func (v *validator) httpOrigin(at string, o *format.HTTPOrigin) {
	if o.Statuses != "" && v.given(at+".status") {
		v.fail(at+".http.statuses", "give status or http.statuses, not both")
	}
	a, err := o.Answer()
	if err == nil {
		_, err = httporigin.NewConfig(httporigin.Options{Answer: a})
	}
	if err != nil && !v.Bad[at+".http.framing"] {
		v.fail(at+".http", "%s", source.Printable(err.Error()))
	}
}

func (v *validator) tcpOrigin(at string, o *format.TCPOrigin) {
	switch {
	case v.Bad[at+".mode"]:
		return
	case o.Mode == "script" && len(o.Steps) == 0:
		v.fail(at+".mode", "mode script needs steps, as [expect PING, send PONG]")
	case o.Mode != "script" && v.given(at+".steps"):
		v.fail(at+".steps", "steps belong to mode script, not %s", o.Mode)
	}
	if o.Mode != "source" && v.given(at+".bytes") {
		v.fail(at+".bytes", "bytes belongs to mode source, not %s", o.Mode)
	}
	if o.Mode != "script" {
		return
	}
	for i, step := range o.Steps {
		if _, err := tcporigin.ParseStep(step); err != nil {
			v.fail(fmt.Sprintf("%s.steps[%d]", at, i), "%s", source.Printable(err.Error()))
			return
		}
	}
	if _, err := tcporigin.ParseScript(o.Steps); err != nil {
		v.fail(at+".steps", "%s", source.Printable(err.Error()))
	}
}

func (v *validator) mysqlOrigin(at string, o *format.MySQLOrigin) {
	v.between(at+".maxConnections", o.MaxConnections, 1, format.MaxOriginConnections)
	if o.Password != "" && o.User == "" {
		v.fail(at+".password", "a password needs a user")
	}
	for i := range o.Answers {
		if _, err := o.Answers[i].Answer(); err != nil {
			v.fail(fmt.Sprintf("%s.answers[%d]", at, i), "%s", source.Printable(err.Error()))
		}
	}
}

// fault checks an order to an origin as the origin would.
func (v *validator) fault(at string, e *format.Event, action format.Action) {
	b := v.s.BackendOf(e.Args.Name)
	if action.Fault == "" || b == nil {
		return
	}
	if kinds := fault.Protocols(action.Fault); kinds != nil && !slices.Contains(kinds, b.Kind) {
		v.fail(at+".args.name", "%s is for origins of kind %s; %s is of kind %s", action.Name, strings.Join(kinds, ", "), b.Name, b.Kind)
		return
	}
	if fault.InTLS(action.Fault) && b.TLS == nil {
		v.fail(at+".args.name", "%s is for origins that speak TLS; %s has no tls", action.Name, b.Name)
		return
	}
	if b.Kind == "http" && v.given(at+".args.status") {
		v.between(at+".args.status", e.Args.Status, 400, 599)
	}
	order := e.Args.Fault(action.Fault)
	if order.Records != nil {
		text, ok := v.template(at+".args.records", "", *order.Records)
		if !ok {
			return
		}
		order.Records = &text
	}
	if action.Fault == control.Certificate {
		v.flaws(at+".args", e.Args.Flaws)
		order = control.Fault{Kind: control.TLSStall, For: order.For} // the certificate is made in the run
	}
	if order.For == "" {
		order.For = "1s" // said already where it is missing
	}
	if _, err := fault.Parse(&order, b.Kind); err != nil {
		path := at + ".args"
		for _, key := range []string{"status", "rate", "scope", "bytes", "every", "bandwidth", "state", "lag", "connections", "records", "for"} {
			if v.Bad[path+"."+key] || v.Bad[path+".latency"] {
				return // said already
			}
			if v.given(path+"."+key) && strings.Contains(err.Error(), key) {
				path += "." + key
				break
			}
		}
		v.fail(path, "%s", source.Printable(err.Error()))
	}
}
