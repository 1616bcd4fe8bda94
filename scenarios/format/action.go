package format

import "slices"

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
	return slices.Concat(
		[]Action{
			{Name: "proxy.reload", Class: ClassMoment},
			{Name: "proxy.reloadBroken", Class: ClassMoment},
			{Name: "proxy.kill", Class: ClassFault, Needs: []string{"for"}},
			{Name: "proxy.command", Class: ClassMoment, Needs: []string{"command"}},
			{Name: "proxy.renew", Class: ClassMoment, Needs: []string{"certificate"}},
		},
		originActions(),
		[]Action{
			{Name: "backend.kill", Class: ClassFault, Needs: []string{"name"}, Allows: []string{"for"}},
			{Name: "backend.start", Class: ClassMoment, Needs: []string{"name"}},
		},
		processActions(),
		wireActions(),
		connectionActions(),
	)
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
