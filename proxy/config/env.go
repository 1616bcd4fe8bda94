package config

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// Env is what the configuration can ask about the world around it.
type Env struct {
	// Vars are the environment variables; setenv and its like change them.
	Vars map[string]string
	// LocalPeer is the name of this peer that the command line gives, "" if it gives none.
	LocalPeer string
	// Version answers version_atleast() and version_before(), e.g. "2.6.12".
	Version string
	// Features answer feature(), e.g. "EPOLL".
	Features []string
	// Enabled answers enabled(), e.g. "POLL"; nil: nothing is.
	Enabled map[string]bool
	// Resolve finds the addresses of a host name; network is "ip", "ip4" or
	// "ip6". nil: the system's resolver.
	Resolve func(network, host string) ([]netip.Addr, error)
	// Chdir changes the directory that names of files are relative to, for
	// "default-path", which Load takes back at its end; nil: that is refused.
	Chdir func(dir string) error
}

// SystemEnv is the environment of the process; version is the engine's.
func SystemEnv(version string) *Env {
	env := &Env{
		Vars:     map[string]string{},
		Chdir:    os.Chdir,
		Version:  version,
		Features: []string{"EPOLL", "POLL", "THREAD", "BACKTRACE", "LINUX_SPLICE", "LINUX_TPROXY", "ACCEPT4", "GETADDRINFO", "TFO", "NS", "SYSTEMD", "RT", "CPU_AFFINITY", "LUA", "OPENSSL", "SLZ", "PROMEX", "CRYPT_H"},
		Enabled:  map[string]bool{"POLL": true, "EPOLL": true, "SPLICE": true, "GETADDRINFO": true, "REUSEPORT": true},
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

// resolveTimeout bounds the look-up of a host name at start.
const resolveTimeout = 5 * time.Second

// resolve finds one address of a host, of IPv4 if it has one.
func (env *Env) resolve(network, host string) (netip.Addr, error) {
	find := env.Resolve
	if find == nil {
		find = systemResolve
	}
	ips, err := find(network, host)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, ip := range ips {
		if ip.Unmap().Is4() {
			return ip.Unmap(), nil
		}
	}
	return ips[0], nil
}

func systemResolve(network, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
	defer cancel()
	return net.DefaultResolver.LookupNetIP(ctx, network, host)
}
