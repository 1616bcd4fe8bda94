package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// roomVariable has a process of the tests run, with all that it starts, where its directory for
// temporary files is a file system of so many bytes, which nobody else sees.
const roomVariable = "BENCH_TEST_ROOM"

// haveRoom starts this program once more in a mount namespace of its own.
func haveRoom() {
	size := os.Getenv(roomVariable)
	if size == "" || os.Unsetenv(roomVariable) != nil {
		return
	}
	runtime.LockOSThread() // a program that is executed is where its thread was
	err := unix.Unshare(unix.CLONE_NEWNS)
	if err == nil {
		err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	}
	if err == nil {
		err = unix.Mount("none", os.TempDir(), "tmpfs", 0, "mode=0700,size="+size)
	}
	if err == nil {
		err = syscall.Exec("/proc/self/exe", os.Args, os.Environ())
	}
	fmt.Fprintln(os.Stderr, "a small file system:", err)
	os.Exit(1)
}

// filesVariable has a process of the tests, and all that it starts, have no more files open at
// once than so many.
const filesVariable = "BENCH_TEST_FILES"

func haveFiles() {
	most, err := strconv.ParseUint(os.Getenv(filesVariable), 10, 64)
	if err != nil {
		return
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: most, Max: most}); err != nil {
		fmt.Fprintln(os.Stderr, "few files:", err)
		os.Exit(1)
	}
}

// roomOf is the directory for temporary files of a process that has a small one, as it is seen
// from here.
func roomOf(pid int, temp string) string { return fmt.Sprintf("/proc/%d/root%s", pid, temp) }

// fill has nothing more fit into a directory.
func fill(dir string) error {
	f, err := os.OpenFile(dir+"/fill", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, piece := range []string{strings.Repeat("x", 4096), "x"} {
		for err == nil {
			_, err = f.WriteString(piece)
		}
		if err != nil && !isFull(err) {
			return err
		}
		err = nil
	}
	return nil
}
