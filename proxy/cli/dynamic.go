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

// refuse answers with why a server was not found, added or deleted.
func (r *request) refuse(err error) error {
	switch {
	case errors.Is(err, ErrNoBackend):
		return r.fail("No such backend.")
	case errors.Is(err, ErrNoServer):
		return r.fail("No such server.")
	case errors.Is(err, ErrStaticBalance):
		return r.fail("Backend must use a dynamic load balancing to support dynamic servers.")
	case errors.Is(err, ErrServerExists):
		return r.fail("Already exists a server with the same name in backend.")
	case errors.Is(err, ErrNotInMaintenance):
		return r.fail("Only servers in maintenance mode can be deleted.")
	case errors.Is(err, ErrServerNamed):
		return r.fail("This server cannot be removed at runtime due to other configuration elements pointing to it.")
	case errors.Is(err, ErrServerBusy):
		return r.fail("Server still has connections attached to it, cannot remove it.")
	}
	return r.fail(err.Error())
}

// serverNames are the names that the first argument gives. Without both it says so
// and reports false.
func (r *request) serverNames() (backend, server string, ok bool, err error) {
	backend, server, _ = strings.Cut(r.arg(0), "/")
	if backend == "" || server == "" {
		return "", "", false, r.fail("Require 'backend/server'.")
	}
	return backend, server, true, nil
}

func addServer(r *request) error {
	backend, name, ok, err := r.serverNames()
	if !ok {
		return err
	}
	warnings, refused := r.s.engine.AddServer(backend, name, r.args[1:])
	for _, w := range warnings {
		if err := r.message(sevWarning, w+"\n"); err != nil {
			return err
		}
	}
	if refused != nil {
		return r.refuse(refused)
	}
	return r.info("New server registered.")
}

func deleteServer(r *request) error {
	backend, name, ok, err := r.serverNames()
	if !ok {
		return err
	}
	if err := r.s.engine.DeleteServer(backend, name); err != nil {
		return r.refuse(err)
	}
	return r.info("Server deleted.")
}
