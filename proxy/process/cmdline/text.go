package cmdline

import (
	"fmt"
	"strings"
)

// row is one line of the usage text.
type row struct{ option, text string }

// rows lists the options in the order of the usage text.
func rows() []row {
	return []row{
		{"-f FILE|DIR", "load a configuration file, or the .cfg files of a directory; may be repeated"},
		{"-- FILE...", "load all the files that follow"},
		{"-C DIR", "change to DIR before loading"},
		{"-c", "check the configuration, say whether it is valid, and exit"},
		{"-cc COND", "evaluate a condition: 0 true, 1 false, 2 error"},
		{"-v, -vv", "version; with build details and pollers"},
		{"-V, -q", "say more; say nothing"},
		{"-D", "go to the background once ready"},
		{"-W, -Ws", "master and worker processes; -Ws also notifies the service manager"},
		{"-S ADDR[,OPT...]", "command socket of the master"},
		{"-p FILE", "write the pid to FILE"},
		{"-sf PID...", "soft-stop the old processes once ready"},
		{"-st PID...", "terminate the old processes once ready"},
		{"-x SOCKET", "take the listening sockets from the process at SOCKET"},
		{"-n N, -N N", "highest number of connections of the process; default for a proxy"},
		{"-m MB", "limit the memory"},
		{"-L NAME", "name of this peer"},
		{"-d, -db", "debug in the foreground; only stay in the foreground"},
		{"-dW, -dD", "warnings are fatal; warn about what is suspicious"},
		{"-de, -dp, -du", "do not use epoll; poll; io_uring"},
		{"-dS, -dR", "do not use splice; SO_REUSEPORT"},
		{"-dG, -dr", "no system resolver; ignore server names that do not resolve"},
		{"-dV", "do not verify servers' certificates"},
		{"-dK CLASS[,...]", "list the keywords of the classes, or \"all\""},
		{"-dL", "list the loaded libraries"},
		{"-dM[BYTE][,OPT]", "accepted: memory debugging; -dMhelp explains"},
	}
}

// Usage is the help text for a program called name.
func Usage(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage : %s [-f FILE|DIR]... [OPTION]... [-- FILE...]\n", name)
	for _, r := range rows() {
		fmt.Fprintf(&b, "    %-18s %s\n", r.option, r.text)
	}
	return b.String()
}

// MemoryHelp answers -dMhelp.
func MemoryHelp() string {
	return "-dM is accepted with any byte and any of the reference's debugging options,\n" +
		"and changes nothing: memory is zeroed and bounds-checked at all times.\n"
}
