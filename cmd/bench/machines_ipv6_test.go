package main

import (
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"bench/chaos/port"
	"bench/internal/result"
)

// onlySix takes the addresses of IPv4 from all nodes, but for the loopback's, and says which of
// IPv6 they have.
func (c *cluster) onlySix(nodes []string) map[string]netip.Addr {
	c.t.Helper()
	all := map[string]netip.Addr{}
	for _, node := range nodes {
		err := c.net.Node(node).Do(func() error {
			list, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
			if err != nil {
				return err
			}
			for i := range list {
				a := &list[i]
				is, _ := netip.AddrFromSlice(a.IP)
				switch is = is.Unmap(); {
				case is.IsLoopback():
				case is.Is4():
					link, err := netlink.LinkByIndex(a.LinkIndex)
					if err != nil {
						return err
					}
					if err := netlink.AddrDel(link, a); err != nil {
						return err
					}
				case is.IsPrivate():
					all[node] = is
				}
			}
			return nil
		})
		if err != nil || !all[node].IsValid() {
			c.t.Fatalf("%s: %v, %v", node, all[node], err)
		}
	}
	return all
}

// sixFaults are those that act on IPv6, too.
const sixFaults = `events:
  - {at: steady+300ms, do: proxy.reload}
  - {at: steady+700ms, do: connections.kill, args: {only: proxy/web}}
  - {at: steady+1600ms, do: network.partition, args: {only: origin/web.2, for: 200ms}}
  - {at: steady+1900ms, do: network.reject, args: {only: proxy/web, for: 500ms}}
`

// Hub, runner and hosts need no IPv4: what is written into configurations are addresses in
// brackets.
func TestRunOverIPv6(t *testing.T) {
	t.Parallel()
	if err := port.Allowed(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	c := newCluster(t, func(c *cluster) { c.six = true })
	for _, try := range []struct{ what, scenario, program string }{
		{"the engine, and faults of ports", overMachines + sixFaults, ""},
		{"haproxy", withMaster(), "haproxy"},
		{"nginx", withNginx(), "nginx"},
	} {
		if try.program != "" {
			if _, err := exec.LookPath(try.program); err != nil {
				t.Logf("%s is left out: %v", try.what, err)
				continue
			}
		}
		j := c.begin(try.scenario, "--hub", c.run)
		if code := c.end(j); code != exitPass && code != exitUnclear {
			t.Errorf("%s: exit code %d\n%s\n%s", try.what, code, j.out, j.p.Output())
			continue
		}
		run := c.record(j)
		certain(t, run, result.Pass)
		cell := run.Cells[0]
		l := cell.Loads[0]
		if l.Requests == 0 || l.Completed+l.Failed != l.Requests || try.program != "" && l.Failed != 0 {
			t.Errorf("%s: %d requests, %d completed, %d failed: %v", try.what, l.Requests, l.Completed, l.Failed, l.FailuresByCause)
		}
		if cell.Conservation == nil || try.program != "" && cell.Conservation.Exact && cell.Conservation.Delta != 0 {
			t.Errorf("%s: conservation %+v", try.what, cell.Conservation)
		}
		for i := range cell.Hosts {
			if at, err := netip.ParseAddr(cell.Hosts[i].Address); err != nil || !at.Is6() {
				t.Errorf("%s: %s is at %s", try.what, cell.Hosts[i].Name, cell.Hosts[i].Address)
			}
		}
		for _, e := range cell.Events {
			if !e.Applied || e.Certificate != nil && (e.Certificate.Verdict == result.Mismatch || !e.Certificate.Gone) {
				t.Errorf("%s: event %s: %+v, %+v", try.what, e.Kind, e, e.Certificate)
			}
		}
		if !strings.Contains(cell.Proxy.Config, " [fd") {
			t.Errorf("%s: no address in brackets in\n%s", try.what, cell.Proxy.Config)
		}
		c.nothingLeft()
	}
	// What needs IPv4 says so before anything begins.
	for _, event := range []string{
		"do: network.delay, args: {only: proxy/web, delay: 5ms, for: 1s}", "do: connections.reset, args: {only: origin/web.1, for: 1s}",
	} {
		j := c.begin(overMachines+"events: [{at: 1s, "+event+"}]\n", "--hub", c.run)
		if code := c.end(j); code != exitUsage || !strings.Contains(j.p.Output(), "IPv4") {
			t.Errorf("%s: exit code %d: %s", event, code, j.p.Output())
		}
	}
	out := &said{}
	p := c.start("runner", out, "hosts", c.run)
	<-p.Done()
	if strings.Count(out.String(), " free") != 6 {
		t.Errorf("%s\n%s", out, p.Output())
	}
}
