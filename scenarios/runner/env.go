package runner

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Environment is env.json: facts about the machine that matter to a result.
type Environment struct {
	Hostname    string            `json:"hostname"`
	Kernel      string            `json:"kernel"`
	Arch        string            `json:"arch"`
	CPUModel    string            `json:"cpuModel"`
	CPUs        int               `json:"cpus"`
	AllowedCPUs []int             `json:"allowedCPUs"`
	Governor    string            `json:"governor,omitempty"`
	MemoryKiB   string            `json:"memoryKiB"`
	ClockSource string            `json:"clockSource"`
	Limits      map[string]uint64 `json:"limits"`
	Sysctls     map[string]string `json:"sysctls"`
	LoadAverage string            `json:"loadAverage"`
}

// sysctls are the settings of the kernel that change results most.
var sysctls = []string{
	"net/core/somaxconn", "net/ipv4/ip_local_port_range", "net/ipv4/tcp_tw_reuse",
	"net/ipv4/tcp_fin_timeout", "net/ipv4/tcp_max_syn_backlog", "net/ipv4/tcp_congestion_control",
	"net/ipv4/tcp_abort_on_overflow", "kernel/sched_autogroup_enabled",
}

// ReadEnvironment collects what can be read; what cannot is left empty.
func ReadEnvironment() Environment {
	text := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(b))
	}
	// after is the text behind "KEY :" in a file of such lines.
	after := func(path, key string) string {
		for line := range strings.SplitSeq(text(path), "\n") {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == key {
				return strings.TrimSpace(value)
			}
		}
		return ""
	}
	env := Environment{
		Kernel: text("/proc/sys/kernel/osrelease"), Arch: runtime.GOARCH, CPUs: runtime.NumCPU(),
		CPUModel:    after("/proc/cpuinfo", "model name"),
		Governor:    text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
		MemoryKiB:   strings.TrimSuffix(after("/proc/meminfo", "MemTotal"), " kB"),
		ClockSource: text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
		LoadAverage: text("/proc/loadavg"),
		Limits:      map[string]uint64{}, Sysctls: map[string]string{},
	}
	env.Hostname, _ = os.Hostname()
	env.AllowedCPUs, _ = allowedCPUs()
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) == nil {
		env.Limits["nofile"], env.Limits["nofileHard"] = files.Cur, files.Max
	}
	for _, name := range sysctls {
		if value := text(filepath.Join("/proc/sys", name)); value != "" {
			env.Sysctls[strings.ReplaceAll(name, "/", ".")] = strings.Join(strings.Fields(value), " ")
		}
	}
	return env
}
