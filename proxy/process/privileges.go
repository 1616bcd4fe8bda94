package process

import (
	"fmt"
	"os"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"

	"bench/proxy/log"
	"bench/proxy/spec"
)

// limits applies ulimit-n and -m before anything is opened.
func (p *process) limits(g *spec.Global) error {
	if p.opt.MemoryMB > 0 {
		debug.SetMemoryLimit(int64(p.opt.MemoryMB) << 20)
	}
	if g.ULimitN <= 0 {
		return nil
	}
	want := uint64(g.ULimitN)
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return fmt.Errorf("descriptor limit: %w", err)
	}
	next := unix.Rlimit{Cur: want, Max: max(want, now.Max)}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &next); err != nil {
		return fmt.Errorf("cannot raise the descriptor limit to %d (ulimit-n), it is %d: %w", want, now.Max, err)
	}
	return nil
}

// mayDropPrivileges tells what dropPrivileges will fail for.
func (p *process) mayDropPrivileges(cfg *spec.Config) error {
	g := &cfg.Global
	if g.Chroot != "" {
		if st, err := os.Stat(g.Chroot); err != nil || !st.IsDir() {
			return fmt.Errorf("cannot chroot to %s: not a directory", g.Chroot)
		}
	}
	switch {
	case g.Chroot != "" && !capable(unix.CAP_SYS_CHROOT):
		return fmt.Errorf("cannot chroot to %s: only root may", g.Chroot)
	case g.GID > 0 && g.GID != os.Getgid() && !capable(unix.CAP_SETGID):
		return fmt.Errorf("cannot set gid %d: only root may", g.GID)
	case g.UID > 0 && g.UID != os.Getuid() && !capable(unix.CAP_SETUID):
		return fmt.Errorf("cannot set uid %d: only root may", g.UID)
	case g.UID > 0 && g.UID != os.Getuid():
		return privileged(cfg)
	}
	return nil
}

// privileged names what takes privileges at each connection, so that the process cannot
// give them up.
func privileged(cfg *spec.Config) error {
	bound := func(s *spec.Source) bool { return s != nil && (s.As != spec.AsSelf || s.Interface != "") }
	for _, px := range cfg.Proxies {
		if px.Caps&spec.Backend != 0 && bound(px.Source) {
			return fmt.Errorf("'source' with 'usesrc' or 'interface' takes full privileges, so that uid %d cannot be had: proxy '%s' [%s:%d]", cfg.Global.UID, px.Name, px.File, px.Line)
		}
		for _, s := range px.Servers {
			if bound(s.Source) || s.Namespace != nil || s.ClientsNamespace {
				return fmt.Errorf("'source' with 'usesrc' or 'interface', and 'namespace', take full privileges, so that uid %d cannot be had: server '%s' [%s:%d]", cfg.Global.UID, s.Name, s.File, s.Line)
			}
		}
	}
	return nil
}

// capable tells whether the process has a capability in force.
func capable(c uint) bool {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	err := unix.Capget(&head, &data[0])
	return err == nil && data[c/32].Effective&(1<<(c%32)) != 0
}

// dropPrivileges enters the jail and becomes the configured user, on all
// threads. Everything that needs the old rights has been opened before.
func (p *process) dropPrivileges(g *spec.Global) error {
	if g.Chroot != "" {
		if err := unix.Chroot(g.Chroot); err != nil {
			return fmt.Errorf("cannot chroot to %s: %w", g.Chroot, err)
		}
		if err := os.Chdir("/"); err != nil {
			return fmt.Errorf("chroot %s: %w", g.Chroot, err)
		}
	}
	if g.GID > 0 {
		if os.Getgid() != g.GID {
			// Failing is fine for a process that has no groups to give up.
			if err := syscall.Setgroups(nil); err != nil && os.Getuid() == 0 {
				p.say(log.Warning, fmt.Sprintf("cannot drop the supplementary groups: %v", err))
			}
		}
		if err := syscall.Setgid(g.GID); err != nil {
			return fmt.Errorf("cannot set gid %d: %w", g.GID, err)
		}
	}
	if g.UID > 0 {
		if err := syscall.Setuid(g.UID); err != nil {
			return fmt.Errorf("cannot set uid %d: %w", g.UID, err)
		}
	}
	return nil
}
