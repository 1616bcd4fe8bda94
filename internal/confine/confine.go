// Package confine has a program, and all that it starts, write in one directory only and start
// no other programs than those that are named, by the kernel (Landlock). What the program is
// does not matter here.
package confine

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Rights that are taken away, and since which version of Landlock they can be.
const (
	writing = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	executing      = unix.LANDLOCK_ACCESS_FS_EXECUTE
	moving         = unix.LANDLOCK_ACCESS_FS_REFER // version 2
	truncating     = unix.LANDLOCK_ACCESS_FS_TRUNCATE
	movingSince    = 2
	truncatesSince = 3
)

// Possible is nil if this kernel can do it.
func Possible() error {
	_, err := version()
	return err
}

// version is that of the kernel's Landlock.
func version() (int, error) {
	n, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0, fmt.Errorf("the kernel has no Landlock (%w): it came with Linux 5.13 and may be switched off", errno)
	}
	return int(n), nil
}

// Exec becomes a program, with its path as the first argument, which may from then on write
// below dir only, and start itself and these programs only. It returns on errors only.
func Exec(dir string, programs, args []string) error {
	if len(args) == 0 {
		return errors.New("no program is named")
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	runtime.LockOSThread() // which is what is confined, and becomes the program
	if err := restrict(dir, append(slices.Clip(programs), path)); err != nil {
		return err
	}
	return syscall.Exec(path, args, os.Environ())
}

// restrict confines this thread for good.
func restrict(dir string, programs []string) error {
	v, err := version()
	if err != nil {
		return err
	}
	changing := uint64(writing)
	if v >= movingSince {
		changing |= moving
	}
	opened := uint64(unix.LANDLOCK_ACCESS_FS_WRITE_FILE) // what can be allowed of a file
	if v >= truncatesSince {
		changing |= truncating
		opened |= truncating
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: changing | executing}
	r, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return fmt.Errorf("landlock_create_ruleset: %w", errno)
	}
	rules := int(r)
	defer unix.Close(rules)
	// Nothing can be started that was written.
	if err := allow(rules, dir, changing); err != nil {
		return err
	}
	if err := allow(rules, os.DevNull, opened); err != nil {
		return err
	}
	for _, program := range programs {
		for _, path := range []string{program, interpreter(program)} {
			if path == "" {
				continue
			}
			if err := allow(rules, path, executing); err != nil {
				return err
			}
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("PR_SET_NO_NEW_PRIVS: %w", err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(rules), 0, 0); errno != 0 {
		return fmt.Errorf("landlock_restrict_self: %w", errno)
	}
	return nil
}

// allow gives rights to a file, or to all that is below a directory.
func allow(rules int, path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	attr := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("%s: landlock_add_rule: %w", path, errno)
	}
	return nil
}

// interpreter is the program by which the kernel starts another one that is linked
// dynamically, "" if it needs none.
func interpreter(program string) string {
	f, err := elf.Open(program)
	if err != nil {
		return "" // a script, whose interpreter has to be named
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		if text, err := io.ReadAll(p.Open()); err == nil {
			return strings.TrimRight(string(text), "\x00")
		}
	}
	return ""
}
