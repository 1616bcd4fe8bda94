package scenarios

import (
	"slices"

	"bench/backends/control"
)

// Classes of events, as result.Event has them.
const (
	ClassFault  = "fault"
	ClassMoment = "moment"
	ClassSeen   = "seen"
)

// Action is a kind of event and the arguments it takes.
type Action struct {
	Name  string
	Class string
	// Needs and Allows are keys of EventArgs.
	Needs, Allows []string
	// Fault is the kind of the origin's fault that carries the action out, ""
	// if it is another's work.
	Fault string
}

// Actions lists every action, in the order documentation shows them.
func Actions() []Action {
	return []Action{
		{Name: "proxy.reload", Class: ClassMoment},
		{Name: "proxy.reloadBroken", Class: ClassMoment},
		{Name: "proxy.command", Class: ClassMoment, Needs: []string{"command"}},
		{Name: "backend.stall", Class: ClassFault, Needs: []string{"name", "for"}, Fault: control.Stall},
		{Name: "backend.fail", Class: ClassFault, Needs: []string{"name", "for"}, Allows: []string{"status", "rate"}, Fault: control.Error},
		{Name: "backend.latency", Class: ClassFault, Needs: []string{"name", "for", "latency"}, Fault: control.Latency},
		{Name: "backend.drain", Class: ClassFault, Needs: []string{"name", "for"}, Fault: control.Drain},
		{Name: "backend.refuse", Class: ClassFault, Needs: []string{"name", "for"}, Fault: control.Refuse},
		{Name: "backend.reset", Class: ClassFault, Needs: []string{"name", "for"}, Fault: control.Reset},
		{Name: "backend.truncate", Class: ClassFault, Needs: []string{"name", "for"}, Fault: control.Truncate},
		{Name: "backend.trickle", Class: ClassFault, Needs: []string{"name", "for"}, Fault: control.Trickle},
		{Name: "backend.kill", Class: ClassFault, Needs: []string{"name"}, Allows: []string{"for"}},
		{Name: "backend.start", Class: ClassMoment, Needs: []string{"name"}},
	}
}

// FindAction is the action of a name.
func FindAction(name string) (Action, bool) {
	all := Actions()
	i := slices.IndexFunc(all, func(a Action) bool { return a.Name == name })
	if i < 0 {
		return Action{}, false
	}
	return all[i], true
}
