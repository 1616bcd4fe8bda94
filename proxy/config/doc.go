// Package config turns HAProxy configuration text into a checked, inert
// spec.Config: text, lines cut into words, conditional blocks, sections of
// keywords, then defaults applied, names resolved and the whole checked.
//
// Every keyword is a row of a table (see keyword) beside the function that
// reads it. What the language knows but the engine does not do yet is refused
// by name; what is accepted is either honoured or warned about.
//
// Nothing here opens a socket, or changes the process except as env lets it ("setenv",
// "default-path"). The only files read are
// the configuration and those whose contents are a part of it (error files).
package config

import "bench/proxy/spec"

// Load reads, resolves and checks a configuration made of several files. All
// errors that can be told apart are reported at once; with any error in the
// diagnostics the configuration is nil. Variables set by the configuration
// ("setenv") are changed in env.Vars.
func Load(sources []Source, env *Env) (*spec.Config, Diagnostics) {
	p := newParser(env)
	for i := range sources {
		p.file(&sources[i])
	}
	p.leaveBase()
	if p.diags.HasErrors() {
		return nil, p.diags
	}
	cfg := p.resolve()
	if p.diags.HasErrors() {
		return nil, p.diags
	}
	return cfg, p.diags
}
