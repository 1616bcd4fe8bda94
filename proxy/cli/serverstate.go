package cli

import (
	"cmp"
	"fmt"
	"net/netip"

	"bench/proxy/state"
)

// stateColumns are the columns of "show servers state", format version 1.
const stateColumns = "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n"

func showServersState(r *request) error {
	list, err := r.backends()
	if list == nil {
		return err
	}
	if _, err := r.w.WriteString("1\n" + stateColumns); err != nil {
		return err
	}
	for _, b := range list {
		for _, s := range b.Servers {
			st := s.State()
			addr, port := hostPort(&st)
			checkAddr, checkPort := "-", uint16(0)
			if st.CheckAddr.IsValid() {
				checkAddr, checkPort = st.CheckAddr.Addr().String(), st.CheckAddr.Port()
			}
			agentAddr := "-"
			if st.AgentAddr.IsValid() {
				agentAddr = st.AgentAddr.Addr().String()
			}
			_, err := fmt.Fprintf(r.w, "%d %s %d %s %s %d %d %d %d %d %d %d %d %d %d %s %s %s %d - 0 %d %s %s %d\n",
				b.ID, b.Name, st.ID, s.Name(), addr,
				opState(&st), adminState(&st), st.Weight, st.InitialWeight, int64(st.LastChange.Seconds()),
				checkStatus(st.CheckStatus), checkResult(&st), checkHealth(&st), checkState(&st), agentState(&st),
				bit(b.ForcedID), bit(st.ForcedID), cmp.Or(st.Host, "-"), port, checkPort, checkAddr, agentAddr, st.AgentAddr.Port())
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func bit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// hostPort is where the server is, as the columns of the dumps have it.
func hostPort(st *ServerState) (string, uint16) {
	if st.Unresolved {
		return "-", st.Addr.Port()
	}
	if st.Addr == (netip.AddrPort{}) {
		return "-", 0
	}
	return st.Addr.Addr().Unmap().String(), st.Addr.Port()
}

// opState is the operational state (management manual, "show servers state").
func opState(st *ServerState) int {
	const stopped, starting, running, stopping = 0, 1, 2, 3
	switch {
	case !st.Running():
		return stopped
	case st.Health == state.Stopping:
		return stopping
	case st.Warming:
		return starting
	}
	return running
}

// adminState is the set of reasons for the administrative state.
func adminState(st *ServerState) int {
	const forcedMaint, configuredMaint, forcedDrain, unresolved = 0x01, 0x04, 0x08, 0x20
	n := 0
	looked := st.Unresolved && !st.Dynamic // names of those are never looked up
	if looked {
		n = unresolved
	}
	switch st.Admin {
	case state.Maint:
		if !looked {
			n = forcedMaint
		}
	case state.Drain:
		n |= forcedDrain
	case state.Ready:
	}
	if st.ConfiguredMaint {
		n |= configuredMaint
	}
	return n
}

// checkStatus is the number of a check's result.
func checkStatus(name string) int {
	numbers := map[string]int{
		"": 1, "UNK": 0, "INI": 1, "SOCKERR": 5,
		"L4OK": 6, "L4TOUT": 7, "L4CON": 8, "L6OK": 9, "L6TOUT": 10, "L6RSP": 11,
		"L7TOUT": 12, "L7RSP": 13, "L7OK": 15, "L7OKC": 16, "L7STS": 17,
		"PROCERR": 18, "PROCTOUT": 19, "PROCOK": 20,
	}
	return numbers[name]
}

func checkResult(st *ServerState) int {
	const unknown, failed, passed = 0, 2, 3
	switch {
	case !st.HasCheck || !st.CheckRun:
		return unknown
	case st.CheckFailed:
		return failed
	}
	return passed
}

// checkHealth is the counter of good and bad checks. A server that is not checked
// has the value of one that just came up until it leaves the traffic.
func checkHealth(st *ServerState) int {
	switch {
	case st.Admin == state.Maint:
		return 0
	case st.CheckOn || st.HasCheck && !st.EverMaint:
		return st.CheckHealth
	case st.Health == state.Down || st.EverMaint:
		return 0
	}
	return st.Rise
}

// checkState is the set of what applies to the checks of a server.
func checkState(st *ServerState) int {
	const configured, enabled, paused = 0x02, 0x04, 0x08
	n := 0
	if st.HasCheck {
		n |= configured
		if st.CheckOn {
			n |= enabled
		}
	}
	// Without checks to resume nothing ends the pause that "disabled" begins.
	if st.CheckOn && st.Admin == state.Maint || !st.CheckOn && st.ConfiguredMaint {
		n |= paused
	}
	return n
}

// agentState is checkState for the agent.
func agentState(st *ServerState) int {
	const configured, enabled, agent = 0x02, 0x04, 0x10
	switch {
	case !st.HasAgent:
		return 0
	case st.AgentOn:
		return configured | enabled | agent
	}
	return configured | agent
}

func showServersConn(r *request) error {
	list, err := r.backends()
	if list == nil {
		return err
	}
	threads := r.s.engine.Info().Threads
	if _, err := fmt.Fprintf(r.w, "# bkname/svname bkid/svid addr port - purge_delay used_cur used_max need_est unsafe_nb safe_nb idle_lim idle_cur idle_per_thr[%d]\n", threads); err != nil {
		return err
	}
	for _, b := range list {
		for _, s := range b.Servers {
			st := s.State()
			addr, port := hostPort(&st)
			fmt.Fprintf(r.w, "%s/%s %d/%d %s %d - %d %d %d %d %d %d %d %d",
				b.Name, s.Name(), b.ID, st.ID, addr, port, st.PurgeDelay.Milliseconds(),
				st.Used, st.UsedMax, st.Need, st.IdleUnsafe, st.IdleSafe, st.IdleLimit, st.IdleUnsafe+st.IdleSafe)
			for i := range threads {
				n := int64(0)
				if i < len(st.IdlePerThread) {
					n = st.IdlePerThread[i]
				}
				fmt.Fprintf(r.w, " %d", n)
			}
			if _, err := fmt.Fprintln(r.w); err != nil {
				return err
			}
		}
	}
	return nil
}
