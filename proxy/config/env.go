package config

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Env is what the configuration can ask about the world around it.
type Env struct {
	// Vars are the environment variables; setenv and its like change them.
	Vars map[string]string
	// Version answers version_atleast() and version_before(), e.g. "2.6.12".
	Version string
	// Features answer feature(), e.g. "EPOLL".
	Features []string
	// Enabled answers enabled(), e.g. "POLL"; nil: nothing is.
	Enabled map[string]bool
	// CPUs is the number of usable CPUs; 0: ask the runtime.
	CPUs int
}

// SystemEnv is the environment of the process; version is the engine's.
func SystemEnv(version string) *Env {
	env := &Env{
		Vars:     map[string]string{},
		Version:  version,
		Features: []string{"EPOLL", "POLL", "THREAD", "BACKTRACE", "LINUX_SPLICE", "LINUX_TPROXY", "ACCEPT4", "GETADDRINFO", "TFO", "NS", "SYSTEMD", "RT", "CPU_AFFINITY"},
		Enabled:  map[string]bool{"POLL": true, "EPOLL": true, "SPLICE": true, "GETADDRINFO": true, "REUSEPORT": true},
		CPUs:     runtime.NumCPU(),
	}
	for _, kv := range os.Environ() {
		if k, v, ok := strings.Cut(kv, "="); ok {
			env.Vars[k] = v
		}
	}
	return env
}

// lookup gives variables and the pseudo-variables of the place being read.
type lookup struct {
	vars    map[string]string
	file    string
	line    int
	section string
}

func (l *lookup) get(name string) (string, bool) {
	switch name {
	case ".FILE":
		return l.file, true
	case ".LINE":
		return strconv.Itoa(l.line), true
	case ".SECTION":
		return l.section, true
	}
	v, ok := l.vars[name]
	return v, ok
}
