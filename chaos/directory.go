package chaos

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Dir is where a journal is kept if nobody is in the way.
func Dir() string { return directories()[0] }

// directories are where journals may be, the one to use first at first: where
// $TMPDIR says, in the runtime directory of the user, below /run for root, in the
// system's directory of temporary files, and at home. Anybody may make a
// directory in /tmp and so keep others from making theirs; not in the rest.
func directories() []string {
	uid := realUID(os.Geteuid(), "/proc/self/uid_map")
	var all []string
	add := func(parent, name string) {
		if path := filepath.Join(parent, name); parent != "" && !slices.Contains(all, path) {
			all = append(all, path)
		}
	}
	named := "bench-journals-" + strconv.Itoa(uid)
	add(os.Getenv("TMPDIR"), named)
	add(os.Getenv("XDG_RUNTIME_DIR"), "bench-journals")
	add("/run/user/"+strconv.Itoa(uid), "bench-journals")
	if uid == 0 {
		add("/run", "bench-journals")
	}
	add(os.TempDir(), named)
	if home, err := os.UserHomeDir(); err == nil {
		add(home, ".bench-journals")
	}
	return all
}

// realUID is what a user is outside the user namespace of this process, by the
// namespace's map: the user 0 of a namespace is somebody else.
func realUID(uid int, file string) int {
	text, err := os.ReadFile(file)
	if err != nil {
		return uid
	}
	for l := range strings.Lines(string(text)) {
		var inside, outside, count int
		if n, err := fmt.Sscan(l, &inside, &outside, &count); n == 3 && err == nil && uid >= inside && uid-inside < count {
			return outside + uid - inside
		}
	}
	return uid
}

// own makes sure that nobody else can put journals where we look for them: the
// directory is this user's alone, and nobody else can put another in its place.
func own(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o022 != 0 || !ok || int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s is not a directory that only this user can write to", dir)
	}
	parent, err := os.Stat(filepath.Dir(dir))
	if err != nil {
		return err
	}
	if parent.Mode().Perm()&0o022 != 0 && parent.Mode()&fs.ModeSticky == 0 {
		return fmt.Errorf("%s is in a directory where everybody may replace it", dir)
	}
	return nil
}
