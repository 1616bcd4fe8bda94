package config

import "strings"

// refusals say why names of the language are not supported, by how those begin, and what
// may be done instead.
var refusals = [][2]string{
	{"filter spoe", "there is no SPOE: let a script ask the agent (core.tcp), or a server before the application"},
	{"filter fcgi-app", "only HTTP is spoken to servers: put a web server before the application"},
	{"use-fcgi-app", "only HTTP is spoken to servers: put a web server before the application"},
	{"filter opentracing", "there is no OpenTracing: pass the fields of the trace on, and log them by 'unique-id-format'"},
	{"51degrees", noDevices},
	{"deviceatlas", noDevices},
	{"wurfl", noDevices},
	{"ssl-engine", noOpenSSL},
	{"ssl-mode-async", noOpenSSL},
	{"ssl-propquery", noOpenSSL},
	{"ssl-provider", noOpenSSL},
	{"issuers-chain-path", "certificates come with their chains, in one file"},
	{"ssl-skip-self-issued-ca", "certificates come with their chains, in one file"},
	{"usesrc", "it belongs behind 'source'"},
}

const (
	noDevices = "there is no database of devices"
	noOpenSSL = "TLS is that of crypto/tls, not of OpenSSL"
)

// whyRefused is what a message goes on with that says that a name is not supported.
func whyRefused(name string) string {
	for _, r := range refusals {
		if strings.HasPrefix(name, r[0]) {
			return ": " + r[1]
		}
	}
	return ""
}
