package member

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"bench/internal/hosts/wire"
)

// allowed is an error where the host does not do what is ordered. Of this program it
// starts loads, origins and proxies, each where it takes that role on; of other programs
// those that it was told by path.
func (h *Host) allowed(o *wire.Order) error {
	if !o.Self {
		return h.allowedProgram(o.Args)
	}
	role, ok := roleOf(o.Args)
	if !ok {
		return fmt.Errorf("%.80q is nothing that runs start on hosts", strings.Join(o.Args, " "))
	}
	if !slices.Contains(h.options.Allow, role) {
		return fmt.Errorf("it takes no %s: see --allow of bench join", role)
	}
	return nil
}

// roleOf is the role that a command line of this program belongs to.
func roleOf(args []string) (role string, ok bool) {
	switch {
	case len(args) >= 2 && args[0] == "agent" && (args[1] == "load" || args[1] == "abuse"):
		return wire.RoleLoad, true
	case len(args) >= 1 && args[0] == "backend":
		return wire.RoleBackend, true
	case len(args) >= 1 && args[0] == "proxy":
		return wire.RoleProxy, true
	}
	return "", false
}

// allowedProgram finds a program among those that are allowed. One that is named without
// its path is the one of that name.
func (h *Host) allowedProgram(args []string) error {
	if len(args) == 0 {
		return errors.New("no program is named")
	}
	if !slices.Contains(h.options.Allow, wire.RoleProxy) {
		return fmt.Errorf("it takes no %s: see --allow of bench join", wire.RoleProxy)
	}
	for _, path := range h.options.Exec {
		if args[0] == path || !strings.Contains(args[0], "/") && filepath.Base(path) == args[0] {
			args[0] = path
			return nil
		}
	}
	return fmt.Errorf("it may not start %.80q: see --exec of bench join", args[0])
}
