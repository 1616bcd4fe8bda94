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
