package workload

import (
	"context"
	"math"
	"reflect"
	"strings"
	"testing"

	"bench/loadgen/http1"
	"bench/loadgen/mysql"
	"bench/loadgen/redis"
	"bench/loadgen/trace"
)

func testSpec() *Spec {
	return &Spec{
		Name: "web", Targets: []string{"127.0.0.1:80"}, Arrival: Constant,
		Phases: []Phase{{Name: "steady", From: 100, To: 100, LengthUs: 1e6, Measure: true}},
	}
}

func TestValidate(t *testing.T) {
	none := int64(-1)
	for _, c := range []struct {
		name   string
		change func(*Spec)
		want   string // "" is valid
	}{
		{"valid", func(*Spec) {}, ""},
		{"name", func(s *Spec) { s.Name = "a b" }, `load name "a b"`},
		{"no name", func(s *Spec) { s.Name = "" }, `load name ""`},
		{"protocol", func(s *Spec) { s.Protocol = "gopher" }, `unknown protocol "gopher": want http1`},
		{"no target", func(s *Spec) { s.Targets = nil }, "no target address"},
		{"target", func(s *Spec) { s.Targets = []string{"web:80"} }, `invalid address "web:80"`},
		{"port", func(s *Spec) { s.Targets = []string{"127.0.0.1"} }, `target "127.0.0.1" has no port`},
		{"arrival", func(s *Spec) { s.Arrival = "bursty" }, `unknown arrival "bursty": want constant, poisson, closed or trace`},
		{"no phase", func(s *Spec) { s.Phases = nil }, "0 phases"},
		{"length", func(s *Spec) { s.Phases[0].LengthUs = 0 }, `phase "steady" is 0 µs long`},
		{"rate", func(s *Spec) { s.Phases[0].To = -1 }, `phase "steady": rate 100 to -1 per second`},
		{"not a rate", func(s *Spec) { s.Phases[0].From = math.NaN() }, "rate NaN"},
		{"users", func(s *Spec) { s.Arrival = Closed }, "a closed loop needs a number of connections"},
		{"pool", func(s *Spec) { s.Connections.Pool = -1 }, "connections: pool -1"},
		{"phase pool", func(s *Spec) { n := -2; s.Phases[0].Connections = &n }, `phase "steady": -2 connections`},
		{"timeout", func(s *Spec) { s.TimeoutUs = -5 }, "timeoutUs -5"},
		{"method", func(s *Spec) { s.HTTP.Requests = []http1.Request{{Method: "GET "}} }, `method "GET "`},
		{"path", func(s *Spec) { s.HTTP.Requests = []http1.Request{{Path: "a b"}} }, `path "a b"`},
		{"host", func(s *Spec) { s.HTTP.Host = "a\r\nb" }, "host"},
		{"header", func(s *Spec) { s.HTTP.Requests = []http1.Request{{Headers: []http1.Header{{Name: "A:", Value: "b"}}}} }, `header name "A:" is not a token`},
		{"header value", func(s *Spec) {
			s.HTTP.Requests = []http1.Request{{Headers: []http1.Header{{Name: "A", Value: "b\r\nC: d"}}}}
		}, `value of header "A" holds a line break`},
		{"reserved header", func(s *Spec) {
			s.HTTP.Requests = []http1.Request{{Headers: []http1.Header{{Name: "connection", Value: "close"}}}}
		}, "set connections.requestsPerConnection instead"},
		{"status", func(s *Spec) { s.HTTP.Requests = []http1.Request{{Expect: http1.Expect{Status: []int{100}}}} }, "expected status 100"},
		{"pipelined statements", func(s *Spec) { s.Protocol, s.Connections.Pipeline = "mysql", 2 }, "want pipeline 1"},
		{"a request's name", func(s *Spec) {
			s.Protocol, s.Redis.Commands = "redis", []redis.Command{{Name: "a"}, {Name: "b", Line: "QUIT"}}
		}, "request b: command QUIT"},
		{"a variable of another protocol", func(s *Spec) { s.HTTP.Requests = []http1.Request{{Path: "/{{key}}"}} }, `there is no variable "key"`},
		{"streams and a pipeline", func(s *Spec) { s.Protocol, s.Connections.Pipeline = "http2", 2 }, "it has streams instead"},
		{"too many streams", func(s *Spec) { s.Protocol, s.HTTP2.Streams = "http2", 20_000 }, "20000 streams"},
		{"a trace of commands", func(s *Spec) { s.Protocol, s.Arrival, s.Trace = "redis", Replay, &trace.Spec{File: "x"} }, "only http1 and http2 can"},
		{"bytes", func(s *Spec) { s.HTTP.Requests = []http1.Request{{Expect: http1.Expect{Bytes: &none}}} }, "expected length -1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := testSpec()
			c.change(s)
			err := s.Validate()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestSetURLOfOtherProtocols(t *testing.T) {
	for url, want := range map[string]Spec{
		"redis://127.0.0.1":            {Protocol: "redis", Title: "redis://127.0.0.1", Targets: []string{"127.0.0.1:6379"}},
		"redis://u:p@127.0.0.1:1/2":    {Protocol: "redis", Title: "redis://u:xxxxx@127.0.0.1:1/2", Targets: []string{"127.0.0.1:1"}, Redis: redis.Spec{User: "u", Password: "p", Database: 2}},
		"redis://:p@127.0.0.1/":        {Protocol: "redis", Title: "redis://:xxxxx@127.0.0.1/", Targets: []string{"127.0.0.1:6379"}, Redis: redis.Spec{Password: "p"}},
		"redis://p@127.0.0.1":          {Protocol: "redis", Title: "redis://xxxxx@127.0.0.1", Targets: []string{"127.0.0.1:6379"}, Redis: redis.Spec{Password: "p"}},
		"tcp://[::1]:25":               {Protocol: "tcp", Title: "tcp://[::1]:25", Targets: []string{"[::1]:25"}},
		"mysql://127.0.0.1":            {Protocol: "mysql", Title: "mysql://127.0.0.1", Targets: []string{"127.0.0.1:3306"}},
		"mysql://u:p%40@127.0.0.1:1/d": {Protocol: "mysql", Title: "mysql://u:xxxxx@127.0.0.1:1/d", Targets: []string{"127.0.0.1:1"}, MySQL: mysql.Spec{User: "u", Password: "p@", Database: "d"}},
	} {
		var s Spec
		if err := s.SetURL(context.Background(), url, ""); err != nil || !reflect.DeepEqual(s, want) || URLProtocol(url) != s.Protocol {
			t.Errorf("%s: %+v, %v", url, s, err)
		}
	}
	for url, want := range map[string]Spec{
		"tls://127.0.0.1:25":    {Protocol: "tcp", TLS: &TLS{}, Targets: []string{"127.0.0.1:25"}},
		"rediss://p@localhost":  {Protocol: "redis", TLS: &TLS{Name: "localhost"}, Targets: []string{"127.0.0.1:6379"}, Redis: redis.Spec{Password: "p"}},
		"mysqls://u@localhost/": {Protocol: "mysql", TLS: &TLS{Name: "localhost"}, Targets: []string{"127.0.0.1:3306"}, MySQL: mysql.Spec{User: "u"}},
	} {
		var s Spec
		err := s.SetURL(context.Background(), url, "")
		if err == nil && len(s.Targets) > 1 { // ::1 may be a name of localhost, too
			s.Targets, s.OneName = s.Targets[:1], false
		}
		if s.Title = ""; err != nil || !reflect.DeepEqual(s, want) || !URLInTLS(url) {
			t.Errorf("%s: %+v, %v", url, s, err)
		}
	}
	for _, url := range []string{"tcp://127.0.0.1", "tcp://u@127.0.0.1:1", "redis://127.0.0.1/x", "redis://127.0.0.1?db=1", "mysql://127.0.0.1?a=b", "redis://"} {
		var s Spec
		if err := s.SetURL(context.Background(), url, ""); err == nil || !strings.Contains(err.Error(), "want "+s.Protocol+"://") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestSetURL(t *testing.T) {
	for _, c := range []struct{ url, socket, target, host, path, err string }{
		{"http://127.0.0.1:8080/a?b=c", "", "127.0.0.1:8080", "127.0.0.1:8080", "/a?b=c", ""},
		{"127.0.0.1", "", "127.0.0.1:80", "127.0.0.1", "/", ""},
		{"http://[::1]:81", "", "[::1]:81", "[::1]:81", "/", ""},
		{"http://localhost:81/", "", "127.0.0.1:81", "localhost:81", "/", ""},
		{"http://web/x", "/run/s", "/run/s", "web", "/x", ""},
		{"https://127.0.0.1/x?y", "", "127.0.0.1:443", "127.0.0.1", "/x?y", ""},
		{"ftp://a/", "", "", "", "", "the scheme ftp is not supported"},
		{"http:///x", "", "", "", "", "want http://HOST"},
		{"http://u:p@a/", "", "", "", "", "want http://HOST"},
		{"http://a b/", "", "", "", "", "invalid URL"},
	} {
		var s Spec
		err := s.SetURL(context.Background(), c.url, c.socket)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", c.url, err, c.err)
			}
			continue
		}
		if err != nil || len(s.Targets) != 1 || s.Targets[0] != c.target || s.HTTP.Host != c.host || s.HTTP.Requests[0].Path != c.path {
			t.Errorf("%s: %v, %v, %q, %v", c.url, err, s.Targets, s.HTTP.Host, s.HTTP.Requests[0].Path)
		}
	}
}

// The variables of a URL are those of the path, as they are written.
func TestVariablesOfURL(t *testing.T) {
	for url, want := range map[string]string{
		"127.0.0.1:8080/item/{{random 1 999}}?by={{user}}&x": "/item/{{random 1 999}}?by={{user}}&x",
		"http://127.0.0.1?{{seq}}":                           "/?{{seq}}",
		"http://127.0.0.1/a b/{{hex 4}}":                     "/a%20b/{{hex 4}}",
	} {
		s := &Spec{}
		if err := s.SetURL(context.Background(), url, ""); err != nil || s.HTTP.Requests[0].Path != want {
			t.Errorf("%s: %v, requests %+v, want %s", url, err, s.HTTP.Requests, want)
		}
		if _, variable, _ := strings.Cut(want, "{{"); !strings.HasSuffix(s.Title, variable) {
			t.Errorf("%s is shown as %s", url, s.Title)
		}
	}
	for _, path := range []string{"/{{random 9 1}}", "/{{nothing}}", "/{{seq"} {
		s := testSpec()
		if err := s.SetURL(context.Background(), "http://127.0.0.1"+path, ""); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "{{") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
