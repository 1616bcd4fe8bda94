package words

import (
	"fmt"
	"strconv"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
)

// HostsHead heads the table of the machines of a run.
func HostsHead() []string {
	return []string{"host", "roles", "address", "CPUs", "Linux", "clock ahead", "known to", "drift"}
}

// HostsRows are the other machines that a run was on, and how their clocks went.
func HostsRows(all []result.Host) (rows [][]string) {
	for i := range all {
		h := &all[i]
		bound := "±" + units.Latency(h.BoundUs)
		if h.Step != "" {
			bound = h.Step
		}
		ahead := units.Latency(max(h.OffsetUs, -h.OffsetUs))
		if h.OffsetUs < 0 {
			ahead = "-" + ahead
		}
		rows = append(rows, []string{
			h.Name, strings.Join(h.Roles, ", "), h.Address, strconv.Itoa(h.CPUs), h.Kernel, ahead, bound, fmt.Sprintf("%.1f ppm", h.DriftPPM),
		})
	}
	return rows
}
