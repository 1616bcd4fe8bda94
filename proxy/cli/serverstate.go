package cli

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"bench/proxy/state"
	"bench/proxy/statefile"
)

func showServersState(r *request) error {
	list, err := r.backends()
	if list == nil {
		return err
	}
	if _, err := r.w.WriteString(statefile.Header); err != nil {
		return err
	}
	for i := range list {
		for _, s := range list[i].Servers {
			st := s.State()
			if st.Gone {
				continue
			}
			line := stateLine(&list[i], s.Name(), &st)
			r.hideLine(&line)
			if err := line.Write(r.w); err != nil {
				return err
			}
		}
	}
	return nil
}

// stateLine is the line about the state of a server.
func stateLine(b *Backend, name string, st *ServerState) statefile.Line {
	addr, port := hostPort(st)
	l := statefile.Line{
		BackendID: b.ID, Backend: b.Name, ID: st.ID, Server: name, Addr: addr, Port: int(port),
		Op: opState(st), Admin: adminState(st), Weight: st.Weight, InitialWeight: st.InitialWeight, Since: int64(st.LastChange.Seconds()),
		CheckStatus: statefile.StatusNumber(st.CheckStatus), CheckResult: checkResult(st), CheckHealth: checkHealth(st), CheckState: checkState(st), AgentState: agentState(st),
		BackendForced: b.ForcedID, ServerForced: st.ForcedID,
		Host: cmp.Or(st.Host, statefile.None), Service: statefile.None, CheckAddr: statefile.None, AgentAddr: statefile.None, AgentPort: st.CheckPort,
	}
	if ip := st.CheckAddr.Addr(); ip.IsValid() {
		l.CheckAddr = ip.String()
	}
	l.CheckPort, l.TLS = cmp.Or(int(st.CheckAddr.Port()), st.CheckPort), st.TLS
	if st.Service {
		l.Host, l.Service = statefile.None, st.Host
	}
	if ip := st.AgentAddr.Addr(); ip.IsValid() {
		l.AgentAddr = ip.String()
	}
	if port := int(st.AgentAddr.Port()); port > 0 {
		l.AgentPort = port
	}
	return l
}

// hostPort is where the server is, as the columns of the dumps have it.
func hostPort(st *ServerState) (string, uint16) {
	if st.Unresolved {
		return "-", st.Addr.Port()
	}
	if st.Addr == (netip.AddrPort{}) {
		return "-", 0
	}
	if st.FollowsPort {
		return st.Addr.Addr().String(), uint16(st.PortOffset)
	}
	return st.Addr.Addr().String(), st.Addr.Port()
}

// opState is the operational state (management manual, "show servers state").
func opState(st *ServerState) statefile.Op {
	switch {
	case !st.Running():
		return statefile.Stopped
	case st.Health == state.Stopping:
		return statefile.Stopping
	case st.Warming:
		return statefile.Starting
	}
	return statefile.Running
}

// adminState is the set of reasons for the administrative state.
func adminState(st *ServerState) int {
	n := 0
	if st.Unresolved && !st.Dynamic { // names of those are never looked up
		n = statefile.UnresolvedMaint
	}
	for _, o := range []struct {
		orders state.Orders
		bit    int
	}{
		{st.Own & state.OrderMaint, statefile.ForcedMaint},
		{st.Own & state.OrderDrain, statefile.ForcedDrain},
		{st.Inherited & state.OrderMaint, statefile.InheritedMaint},
		{st.Inherited & state.OrderDrain, statefile.InheritedDrain},
	} {
		if o.orders != 0 {
			n |= o.bit
		}
	}
	if st.Renamed {
		n |= statefile.NameSet
	}
	if st.ConfiguredMaint {
		n |= statefile.ConfiguredMaint
	}
	return n
}

func checkResult(st *ServerState) int {
	switch {
	case !st.HasCheck || !st.CheckRun:
		return statefile.ResultUnknown
	case st.CheckFailed:
		return statefile.ResultFailed
	case st.CheckStatus == "L7OKC":
		return statefile.ResultConditional
	}
	return statefile.ResultPassed
}

// checkHealth is the counter of good and bad checks. A server that is not checked
// has the value of one that just came up until it leaves the traffic.
func checkHealth(st *ServerState) int {
	switch {
	case st.Admin == state.Maint:
		return 0
	case st.HasCheck:
		return st.CheckHealth
	case st.EverMaint || st.Health == state.Down && !st.Follows:
		return 0
	}
	return max(st.Rise, st.CheckHealth)
}

// checkState is the set of what applies to the checks of a server.
func checkState(st *ServerState) int {
	n := 0
	if st.HasCheck {
		n |= statefile.CheckConfigured
		if st.CheckOn {
			n |= statefile.CheckEnabled
		}
	}
	if st.CheckPaused {
		n |= statefile.CheckPaused
	}
	return n
}

// agentState is checkState for the agent.
func agentState(st *ServerState) int {
	switch {
	case !st.HasAgent:
		return 0
	case st.AgentOn:
		return statefile.CheckConfigured | statefile.CheckEnabled | statefile.CheckIsAgent
	}
	return statefile.CheckConfigured | statefile.CheckIsAgent
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
	for i := range list {
		for some := range slices.Chunk(list[i].Servers, listedTogether) {
			if err := r.connLines(&list[i], some); err != nil {
				return err
			}
		}
	}
	return nil
}

// listedTogether is how many servers the threads are asked about at a time.
const listedTogether = 64

// connLines writes the lines of some servers of a backend.
func (r *request) connLines(b *Backend, servers []Server) error {
	for i, idle := range r.s.engine.IdlePerThread(servers) {
		s := servers[i]
		st := s.State()
		if st.Gone {
			continue
		}
		addr, port := hostPort(&st)
		var all IdleConns
		for _, n := range idle {
			all.Unsafe, all.Safe = all.Unsafe+n.Unsafe, all.Safe+n.Safe
		}
		fmt.Fprintf(r.w, "%s/%s %d/%d %s %d - %d %d %d %d %d %d %d %d",
			r.hide(b.Name), r.hide(s.Name()), b.ID, st.ID, r.hideAddr(addr), port, st.PurgeDelay.Milliseconds(),
			st.Used, st.UsedMax, st.Need, all.Unsafe, all.Safe, st.IdleLimit, all.Unsafe+all.Safe)
		for _, n := range idle {
			fmt.Fprintf(r.w, " %d", n.Unsafe+n.Safe)
		}
		if _, err := fmt.Fprintln(r.w); err != nil {
			return err
		}
	}
	return nil
}
