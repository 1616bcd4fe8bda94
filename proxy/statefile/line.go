// Package statefile is the format in which the states of servers are written down: what
// "show servers state" prints, and what a process reads at its start to go on where
// another one has ended (management manual, "show servers state").
package statefile

import (
	"fmt"
	"io"
)

// Header is what a dump begins with: the version of the format, and its columns.
const Header = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n"

// Op is what a server is able to do.
type Op int

// Operational states.
const (
	Stopped Op = iota
	Starting
	Running
	Stopping
)

// Reasons for the administrative state; they add up.
const (
	ForcedMaint     = 0x01
	InheritedMaint  = 0x02 // from a server that it tracks
	ConfiguredMaint = 0x04
	ForcedDrain     = 0x08
	InheritedDrain  = 0x10
	UnresolvedMaint = 0x20
	NameSet         = 0x40 // the host name was set at run time
)

// What applies to the checks of a server; it adds up.
const (
	CheckInProgress = 0x01
	CheckConfigured = 0x02
	CheckEnabled    = 0x04
	CheckPaused     = 0x08
	CheckIsAgent    = 0x10
)

// Results of checks.
const (
	ResultUnknown = iota
	ResultNeutral
	ResultFailed
	ResultPassed
	ResultConditional
)

// None stands where there is no text.
const None = "-"

// Line is the state of one server.
type Line struct {
	BackendID     int
	Backend       string
	ID            int
	Server        string
	Addr          string
	Op            Op
	Admin         int
	Weight        int // in force
	InitialWeight int // configured
	Since         int64
	CheckStatus   int
	CheckResult   int
	CheckHealth   int
	CheckState    int
	AgentState    int
	BackendForced bool // its number was configured
	ServerForced  bool
	Host          string
	Port          int
	Service       string // name of SRV records
	TLS           bool
	CheckPort     int
	CheckAddr     string
	AgentAddr     string
	AgentPort     int
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Write writes the line.
func (l *Line) Write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%d %s %d %s %s %d %d %d %d %d %d %d %d %d %d %d %d %s %d %s %d %d %s %s %d\n",
		l.BackendID, l.Backend, l.ID, l.Server, l.Addr,
		l.Op, l.Admin, l.Weight, l.InitialWeight, l.Since,
		l.CheckStatus, l.CheckResult, l.CheckHealth, l.CheckState, l.AgentState,
		bit(l.BackendForced), bit(l.ServerForced), l.Host, l.Port, l.Service, bit(l.TLS),
		l.CheckPort, l.CheckAddr, l.AgentAddr, l.AgentPort)
	return err
}
