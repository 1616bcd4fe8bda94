package cli

import "strconv"

func frontendCommands() []Command {
	return []Command{
		{Words: "set maxconn frontend", Args: "<frontend> <value>", Level: AdminLevel, Help: "change the maxconn of a frontend", Fn: setMaxConnFrontend},
		{Words: "disable frontend", Args: "<frontend>", Level: AdminLevel, Help: "stop accepting on a frontend for a while", Fn: disableFrontend},
		{Words: "enable frontend", Args: "<frontend>", Level: AdminLevel, Help: "accept on a frontend again", Fn: enableFrontend},
		{Words: "shutdown frontend", Args: "<frontend>", Level: AdminLevel, Help: "close the listeners of a frontend for good", Fn: shutdownFrontend},
	}
}

// frontend finds the frontend that the first argument names. Without one it
// says why and returns nil.
func (r *request) frontend() (Frontend, error) {
	if r.arg(0) == "" {
		return nil, r.fail("A frontend name is expected.")
	}
	f, ok := r.s.engine.Frontend(r.arg(0))
	if !ok {
		return nil, r.fail("No such frontend.")
	}
	return f, nil
}

func setMaxConnFrontend(r *request) error {
	f, err := r.frontend()
	if f == nil {
		return err
	}
	n, err := strconv.Atoi(r.arg(1))
	switch {
	case err != nil:
		return r.fail("Integer value expected.")
	case n < 0:
		return r.fail("Value out of range.")
	}
	f.SetMaxConn(n)
	return nil
}

const wasShut = "Frontend was previously shut down, cannot "

func disableFrontend(r *request) error {
	f, err := r.frontend()
	if f == nil {
		return err
	}
	switch f.State() {
	case Shut:
		return r.notice(wasShut + "disable.")
	case Disabled:
		return r.notice("All sockets are already disabled.")
	case Enabled:
	}
	f.Disable()
	return nil
}

func enableFrontend(r *request) error {
	f, err := r.frontend()
	if f == nil {
		return err
	}
	switch f.State() {
	case Shut:
		return r.fail(wasShut + "enable.")
	case Enabled:
		return r.notice("All sockets are already enabled.")
	case Disabled:
	}
	f.Enable()
	return nil
}

func shutdownFrontend(r *request) error {
	f, err := r.frontend()
	if f == nil {
		return err
	}
	if f.State() == Shut {
		return r.notice("Frontend was already shut down.")
	}
	f.Shutdown()
	return nil
}
