package validate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bench/loadgen/codec"
	"bench/scenarios/format"
	"bench/scenarios/source"
)

// requests checks what a load sends and expects.
func (v *validator) requests(at string, l *format.Load) {
	v.files(at, l)
	if l.Timeout.D() < time.Millisecond {
		v.fail(at+".timeout", "timeout must be at least 1ms")
	}
	if v.Bad[at+".protocol"] {
		return
	}
	v.foreign(at, l)
	switch l.Protocol {
	case "tcp":
		v.tcp(at, l)
	case "mysql":
		v.mysql(at, l)
	case "redis":
		v.redis(at+".redis", l.Redis)
	case "http2":
		v.http(at, l)
		v.http2(at, l)
	default:
		v.http(at, l)
	}
}

// foreign finds the keys that mean nothing to the protocol of a load.
func (v *validator) foreign(at string, l *format.Load) {
	for _, of := range []struct {
		protocols, keys []string
	}{
		{[]string{"http1", "http2"}, []string{"method", "path", "host", "headers", "body", "cookies", "expect", "requests", "trace"}},
		{[]string{"http2"}, []string{"http2"}},
		{[]string{"tcp"}, []string{"tcp"}},
		{[]string{"mysql"}, []string{"mysql"}},
		{[]string{"redis"}, []string{"redis"}},
	} {
		for _, key := range of.keys {
			if path := at + "." + key; !slices.Contains(of.protocols, l.Protocol) && v.given(path) {
				v.fail(path, "%s belongs to protocol %s, not %s", key, strings.Join(of.protocols, " or "), l.Protocol)
			}
		}
	}
}

// problems says what is wrong with a part of a load.
func (v *validator) problems(at string, all []codec.Problem) {
	for _, p := range all {
		v.fail(at+"."+p.Field, "%s", source.Printable(p.Text))
	}
}

func (v *validator) http2(at string, l *format.Load) {
	if l.Connections.Pipeline > 1 {
		v.fail(at+".connections.pipeline", "protocol http2 sends nothing ahead on a connection: it has http2.streams instead")
	}
	if l.HTTP2 == nil {
		return
	}
	v.between(at+".http2.streams", l.HTTP2.Streams, 1, 10_000)
	g := l.HTTP2.Spec()
	if g.Streams > 0 {
		v.problems(at+".http2", g.Problems())
	}
	if l.HTTP2.Window == 0 {
		v.fail(at+".http2.window", "a window of 0 bytes lets no body come")
	}
}

func (v *validator) tcp(at string, l *format.Load) {
	if l.TCP == nil {
		v.fail(at+".protocol", "protocol tcp needs tcp: {exchanges: [...]}")
		return
	}
	at += ".tcp"
	g := l.TCP.Spec()
	if v.given(at+".exchanges") && !v.Bad[at+".exchanges"] {
		v.problems(at, g.Problems())
	}
	for i := range g.Exchanges {
		x, one := &l.TCP.Exchanges[i], fmt.Sprintf("%s.exchanges[%d]", at, i)
		v.between(one+".weight", x.Weight, 1, 1_000_000)
		for key, size := range map[string]*format.Distribution{"echo": x.Echo, "upload": x.Upload, "download": x.Download} {
			if size != nil {
				v.size(one+"."+key, *size)
			}
		}
		v.problems(one, g.Exchanges[i].Problems(l.Connections.Pipeline))
	}
}

func (v *validator) mysql(at string, l *format.Load) {
	if l.Connections.Pipeline > 1 {
		v.fail(at+".connections.pipeline", "protocol mysql cannot send requests ahead: want pipeline 1")
	}
	if l.MySQL == nil {
		return
	}
	at += ".mysql"
	g := l.MySQL.Spec()
	v.problems(at, g.Problems())
	for i := range g.Statements {
		one := fmt.Sprintf("%s.statements[%d]", at, i)
		v.between(one+".weight", l.MySQL.Statements[i].Weight, 1, 1_000_000)
		v.problems(one, g.Statements[i].Problems())
	}
}

func (v *validator) redis(at string, r *format.RedisLoad) {
	if r == nil {
		return
	}
	v.size(at+".value", r.Value)
	g := r.Spec()
	v.problems(at, g.Problems())
	for i := range g.Commands {
		one := fmt.Sprintf("%s.commands[%d]", at, i)
		v.between(one+".weight", r.Commands[i].Weight, 1, 1_000_000)
		if d := r.Commands[i].Value; d != nil {
			v.size(one+".value", *d)
		}
		if v.given(one) && r.Commands[i].Command != "" {
			v.problems(one, g.Commands[i].Problems())
		}
	}
	v.between(at+".keys.count", r.Keys.Count, 1, 999_999_999_999)
}
