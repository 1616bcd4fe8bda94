package config

import "time"

// agentOptions are the options of servers about their agents (configuration manual,
// section 5.2).
func agentOptions(row func(place, serverOption) serverOption) []serverOption {
	type s = serverTemplate
	return []serverOption{
		row(everyplace, serverOption{name: "agent-check", doc: "Also ask an agent, which says how much the server can take, and whether it should take anything at all.", read: func(_ *line, x *s, _ word) { x.Agent.Check = true }}),
		row(inDefault, serverOption{name: "no-agent-check", doc: "Against \"agent-check\" in default-server.", read: func(_ *line, x *s, _ word) { x.Agent.Check = false }}),
		row(everyplace, serverOption{name: "agent-port", args: 1, doc: "Port of the agent.", read: func(l *line, x *s, w word) {
			if n, ok := l.value("agent-port", w, 1, 65535); ok {
				x.Agent.Port = n
			}
		}}),
		row(everyplace, serverOption{name: "agent-addr", args: 1, doc: "Address of the agent, if it is not the server's.", read: func(l *line, x *s, w word) {
			a, err := l.resolveAddress(w.text)
			if err != nil {
				l.fail(w, "'agent-addr': %v", err)
				return
			}
			x.Agent.Addr = &a
		}}),
		row(everyplace, serverOption{name: "agent-inter", args: 1, doc: "Time between two questions to the agent.", read: func(l *line, x *s, w word) {
			switch d, ok := l.span("agent-inter", w, time.Millisecond); {
			case !ok:
			case d <= 0:
				l.fail(w, "'agent-inter' expects a time above zero, not '%s'", w.text)
			default:
				x.Agent.Inter = d
			}
		}}),
		row(everyplace, serverOption{name: "agent-send", args: 1, doc: "What to send to the agent first.", read: func(_ *line, x *s, w word) { x.Agent.Send = w.text }}),
	}
}
