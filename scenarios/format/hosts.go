package format

// HostRole names machines that parts of a run are on, chosen among those that have joined
// the hub.
type HostRole struct {
	// Name of the role, which onHost of proxy, backends and loads refers to.
	Name string `yaml:"name,required"`
	// Names of the machines, as they have joined; any that have the labels if there are none.
	Names []string `yaml:"names"`
	// Labels that the machines must have.
	Labels map[string]string `yaml:"labels"`
	// Count of the machines, where they are not named.
	Count int `yaml:"count" default:"1"`
}

// Machines is how many machines the role has.
func (h *HostRole) Machines() int {
	if len(h.Names) > 0 {
		return len(h.Names)
	}
	return h.Count
}

// Placed reports whether a part of the scenario is to be on another machine.
func (s *Scenario) Placed() bool {
	if s.Proxy.OnHost != "" {
		return true
	}
	for i := range s.Backends {
		if s.Backends[i].OnHost != "" {
			return true
		}
	}
	for i := range s.Load {
		if s.Load[i].OnHost != "" {
			return true
		}
	}
	for i := range s.Abuse {
		if s.Abuse[i].OnHost != "" {
			return true
		}
	}
	return false
}

// Elsewhere reports whether every part of the scenario is to be on another machine, so
// that nothing of it takes up the runner's.
func (s *Scenario) Elsewhere() bool {
	for i := range s.Backends {
		if s.Backends[i].OnHost == "" {
			return false
		}
	}
	for i := range s.Load {
		if s.Load[i].OnHost == "" {
			return false
		}
	}
	for i := range s.Abuse {
		if s.Abuse[i].OnHost == "" {
			return false
		}
	}
	return s.Proxy.OnHost != "" && len(s.Load) > 0
}

// HostRoleNames are those that onHost may refer to.
func (s *Scenario) HostRoleNames() []string {
	var names []string
	for i := range s.Hosts {
		names = append(names, s.Hosts[i].Name)
	}
	return names
}
