package config

import (
	"net/netip"
	"sync"

	"bench/proxy/certs"
	"bench/proxy/spec"
)

// runtimeRows and runtimeInventory are made once: servers may come by the thousand.
var (
	runtimeRows      = sync.OnceValue(serverOptions)
	runtimeInventory = sync.OnceValue(newInventory)
)

// RuntimeServer is a server that is to be added while the proxy runs.
type RuntimeServer struct {
	Server *spec.Server // without a number if none was given
	// Enabled: it does not start in maintenance.
	Enabled bool
	// Warnings are about what is accepted without effect.
	Warnings []string
}

// ServerAtRunTime reads the address and the options of a server that is to be added to
// a backend; g has what applies where they say nothing. As in the reference (management manual, "add server") nothing of
// "default-server" applies to it, and a host name is not looked up: the server waits
// for an address. Errors that scripts may know are in the reference's words.
func ServerAtRunTime(g *spec.GlobalTLS, p *spec.Proxy, name string, words []string) (*RuntimeServer, error) {
	l := &line{runtime: true, p: &parser{env: &Env{}, certs: certs.NewStore(), inventory: runtimeInventory()}, kw: &keyword{name: "add server"}}
	l.p.global.TLS = *g
	for _, text := range words {
		l.args = append(l.args, word{text: text})
	}
	d := &serverDraft{serverTemplate: newServerTemplate()}
	l.runtimeServer(p, word{text: name}, d)
	if err := l.p.diags.Err(); err != nil {
		return nil, err
	}
	r := &RuntimeServer{Server: d.server(), Enabled: d.enabled}
	for i := range l.p.diags {
		if d := &l.p.diags[i]; d.Severity == Warning {
			r.Warnings = append(r.Warnings, d.text())
		}
	}
	return r, nil
}

func (l *line) runtimeServer(p *spec.Proxy, name word, d *serverDraft) {
	if bad := invalidNameByte(name.text); bad != "" {
		l.fail(name, "character '%s' is not permitted in server name '%s'.", bad, name.text)
		return
	}
	d.Name = name.text
	if len(l.args) == 0 {
		l.fail(name, "'server' expects <name> and <addr>[:<port>] as arguments.")
		return
	}
	if !l.serverAddress(l.args[0], d) || !readOptions(l, runtimeRows(), "server", &d.serverTemplate, l.args[1:], l.atRunTime) || !l.serverTLS(&d.serverTemplate) {
		return
	}
	if d.Agent.Check && d.Agent.Port == 0 {
		l.fail(name, "server %s does not have agent port. Agent check has been disabled.", d.Name)
		return
	}
	if d.Unresolved = d.at.host != ""; d.Unresolved {
		d.at.resolved(netip.IPv4Unspecified()) // whatever it gets, the port stays
	}
	if !portToCheck(p, d.server()) {
		l.fail(name, "config: backend '%s': server '%s' has neither service port nor check port nor tcp_check rule 'connect' with port information.", p.Name, d.Name)
	}
}

// atRunTime reports an option that belongs in configurations only.
func (l *line) atRunTime(o *serverOption, w word) bool {
	if !o.atRunTime {
		l.fail(w, "'%s' option is not accepted for dynamic server", o.name)
	}
	return o.atRunTime
}

// CertEntryAtRunTime reads a line that is to be added to a "crt-list" of a bind line; g has
// what applies where neither says anything.
func CertEntryAtRunTime(g *spec.GlobalTLS, b *spec.BindTLS, text string) (spec.CertEntry, error) {
	l := &line{runtime: true, p: &parser{env: &Env{}, certs: certs.NewStore(), inventory: runtimeInventory()}, kw: &keyword{name: "add ssl crt-list"}}
	l.p.global.TLS = *g
	d := &tlsDraft{TLS: b.TLS, versions: spec.Between(b.MinVersion, b.MaxVersion)}
	d.alpn.put(b.ALPN, l.pos)
	d.tickets.put(!b.NoTickets, l.pos)
	e, ok := l.certEntry(word{}, text, 1, d)
	if err := l.p.diags.Err(); err != nil || !ok {
		return e, err
	}
	return e, nil
}
