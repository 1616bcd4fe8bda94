package validate

import (
	"fmt"

	"bench/scenarios/format"
	"bench/scenarios/proxyconf"
)

// placeholders are template data that stand in for a run during validation.
func placeholders(s *format.Scenario) proxyconf.Data {
	data := proxyconf.Data{
		Backends: map[string][]proxyconf.Origin{}, Stats: "/tmp/stats.sock", Dir: "/tmp",
		Poller: s.Proxy.Poller, Seed: s.Seed, Config: "/tmp/proxy.cfg",
	}
	for _, b := range s.Backends {
		for i := range min(max(b.Replicas, 1), format.MaxReplicas) {
			data.Backends[b.Name] = append(data.Backends[b.Name],
				proxyconf.Origin{Name: fmt.Sprintf("%s.%d", b.Name, i+1), Addr: "127.0.0.1:9", Host: "127.0.0.1", Port: 9})
		}
	}
	return data
}
