package cli

import (
	"errors"
	"strings"
)

func dynamicCommands() []Command {
	return []Command{
		{Words: "add server", Args: "<bk>/<srv>", Level: AdminLevel, Help: "create a new server", Fn: addServer},
		{Words: "del server", Args: "<bk>/<srv>", Level: AdminLevel, Help: "remove a server", Fn: deleteServer},
	}
}

// refusals are the words for why a server was not found, added or deleted. All but those of
// reading its options are brief where servers come and go.
var refusals = []struct {
	err   error
	text  string
	brief bool
}{
	{ErrNoBackend, "No such backend.", true},
	{ErrNoServer, "No such server.", true},
	{ErrStaticBalance, "Backend must use a dynamic load balancing to support dynamic servers.", true},
	{ErrServerExists, "Already exists a server with the same name in backend.", false},
	{ErrNotInMaintenance, "Only servers in maintenance mode can be deleted.", true},
	{ErrServerNamed, "This server cannot be removed at runtime due to other configuration elements pointing to it.", true},
	{ErrServerBusy, "Server still has connections attached to it, cannot remove it.", true},
}

// refusal is what to say of an error, and whether that is brief.
func refusal(err error) (text string, brief bool) {
	for _, x := range refusals {
		if errors.Is(err, x.err) {
			return x.text, x.brief
		}
	}
	return err.Error(), false
}

// refuse answers with why a server was not found.
func (r *request) refuse(err error) error {
	text, _ := refusal(err)
	return r.fail(text)
}

// decline answers with why a server was not added or deleted.
func (r *request) decline(err error) error {
	text, brief := refusal(err)
	if brief {
		return r.brief(sevError, text)
	}
	return r.fail(text)
}

// noNames answers a first argument that does not give both names.
const noNames = "Require 'backend/server'."

// serverNames are the names that the first argument gives. It reports false without both.
func (r *request) serverNames() (backend, server string, ok bool) {
	backend, server, _ = strings.Cut(r.arg(0), "/")
	return backend, server, backend != "" && server != ""
}

func addServer(r *request) error {
	backend, name, ok := r.serverNames()
	if !ok {
		return r.brief(sevError, noNames)
	}
	warnings, refused := r.s.engine.AddServer(backend, name, r.args[1:])
	for _, w := range warnings {
		if err := r.message(sevWarning, w+"\n"); err != nil {
			return err
		}
	}
	if refused != nil {
		return r.decline(refused)
	}
	return r.info("New server registered.")
}

func deleteServer(r *request) error {
	backend, name, ok := r.serverNames()
	if !ok {
		return r.brief(sevError, noNames)
	}
	if err := r.s.engine.DeleteServer(backend, name); err != nil {
		return r.decline(err)
	}
	return r.brief(sevInfo, "Server deleted.")
}
