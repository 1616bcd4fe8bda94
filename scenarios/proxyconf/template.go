// Package proxyconf fills in the template of a proxy's configuration, and finds the
// place in the user's own file of a line of what it came to.
package proxyconf

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"bench/scenarios/source"
)

// Origin is one mock origin as the configuration template sees it.
type Origin struct {
	Name string // web.1
	Addr string // 127.0.0.1:20123
	Host string
	Port int
}

// Data is what a configuration template sees as dot.
//
//	{{bind "web"}}                the address of the listener that loads reach as proxy/web
//	{{listener "other" "web"}}    that of another proxy of the run; "proxy" is the one under test
//	{{range .Backends.web}}       every replica: .Name .Addr .Host .Port
//	{{.Stats}}                    path of the stats socket
//	{{.Dir}}                      directory of this run, removed at its end
//	{{.Poller}} {{.Seed}}         of the scenario
//	{{.Config}}                   path of the configuration file (driver exec)
//	{{cert "a.test"}}             file of a certificate for a name, with its key
//	{{cert "a.test" "expired"}}   one that has a flaw: expired or foreign; or a key of rsa
//	{{ca}}                        file of the authority that signs them
//	{{tickets}}                   file of keys for the tickets of sessions of TLS
type Data struct {
	// Certs makes the certificates; nil where only the template is looked at.
	Certs Certs
	// Listener is the address of a listener of a proxy; nil where there is one proxy.
	Listener func(proxy, name string) (string, error)
	Backends map[string][]Origin
	Stats    string
	Dir      string
	Poller   string
	Seed     uint64
	Config   string
}

// Certs makes certificates as files.
type Certs interface {
	Cert(name string, flaws ...string) (path string, err error)
	CA() (path string, err error)
	Tickets() (path string, err error)
}

// nowhere stands in for certificates.
type nowhere struct{}

func (nowhere) Cert(string, ...string) (string, error) { return "/tmp/cert.pem", nil }
func (nowhere) CA() (string, error)                    { return "/tmp/authority.pem", nil }
func (nowhere) Tickets() (string, error)               { return "/tmp/tickets.keys", nil }

// Error is a fault of a template; Line and Col count from 1 within it,
// Col is 0 when unknown.
type Error struct {
	Line, Col int
	Msg       string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Msg) }

// Render fills in a template. bind gives the address of a listener by name.
// An error is a *TemplateError.
func Render(text string, data Data, bind func(name string) string) (string, error) {
	certs := data.Certs
	if certs == nil {
		certs = nowhere{}
	}
	listener := data.Listener
	if listener == nil {
		listener = func(proxy, _ string) (string, error) { return "", NoProxy(proxy, nil) }
	}
	t, err := template.New("config").Option("missingkey=error").
		Funcs(template.FuncMap{"bind": bind, "listener": listener, "cert": certs.Cert, "ca": certs.CA, "tickets": certs.Tickets}).Parse(text)
	if err != nil {
		return "", templateError(err, data)
	}
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return "", templateError(err, data)
	}
	return b.String(), nil
}

// NoProxy is the error of {{listener}} about a name that no proxy of the run has.
func NoProxy(name string, known []string) error {
	return fmt.Errorf("there is no proxy %q%s", source.Printable(name), source.DidYouMean(name, known))
}

var (
	templatePlace = regexp.MustCompile(`^template: config:(\d+)(?::(\d+))?: (?s:(.*))$`)
	executing     = regexp.MustCompile(`^executing "config" at <(.*?)>: (?s:(.*))$`)
	noField       = regexp.MustCompile(`^can't evaluate field (\S+) in type (\S+)`)
	noEntry       = regexp.MustCompile(`^map has no entry for key "(.*)"$`)
	calling       = regexp.MustCompile(`^error calling \w+: (?s:(.*))$`)
	noFunction    = regexp.MustCompile(`^function "(.*)" not defined$`)
)

// templateError takes the place out of an error of text/template and says in
// the words of a scenario what is wrong.
func templateError(err error, data Data) *Error {
	e := &Error{Line: 1, Msg: err.Error()}
	m := templatePlace.FindStringSubmatch(e.Msg)
	if m == nil {
		return e
	}
	e.Line, _ = strconv.Atoi(m[1]) // digits by the expression
	if m[2] != "" {
		e.Col, _ = strconv.Atoi(m[2])
		e.Col++ // text/template counts columns from 0
	}
	e.Msg = m[3]
	if at := executing.FindStringSubmatch(e.Msg); at != nil {
		e.Msg = at[2]
	}
	if m := noField.FindStringSubmatch(e.Msg); m != nil {
		fields := []string{"Backends", "Stats", "Dir", "Poller", "Seed", "Config"}
		if strings.HasSuffix(m[2], "Origin") {
			fields = []string{"Name", "Addr", "Host", "Port"}
		}
		e.Msg = fmt.Sprintf("there is no field .%s here%s", m[1], source.DidYouMean(m[1], fields))
	} else if m := noEntry.FindStringSubmatch(e.Msg); m != nil {
		e.Msg = fmt.Sprintf("there is no backend %q%s", m[1], source.DidYouMean(m[1], slices.Sorted(maps.Keys(data.Backends))))
	} else if m := calling.FindStringSubmatch(e.Msg); m != nil {
		e.Msg = m[1]
	} else if m := noFunction.FindStringSubmatch(e.Msg); m != nil {
		e.Msg = fmt.Sprintf("the template has no function %q%s", m[1], source.DidYouMean(m[1], []string{"bind", "listener", "cert", "ca", "tickets", "range", "if", "with", "printf"}))
	} else if e.Msg == "unexpected EOF" {
		e.Msg = "a {{range}}, {{if}} or {{with}} of the template is not closed: {{end}} is missing"
	} else if e.Msg == "unexpected {{end}}" {
		e.Msg = "this {{end}} closes nothing: there is no open {{range}}, {{if}} or {{with}} before it"
	}
	return e
}
