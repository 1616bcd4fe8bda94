package check

import (
	"bytes"
	"strings"

	"bench/internal/sock"
	"bench/proxy/state"
)

// Agent is whom to ask about a server besides the server itself (configuration manual,
// "agent-check").
type Agent struct {
	Addr sock.Addr
	Send func() string // what it is told first
	// Apply carries out what the agent wants, and says what cannot be.
	Apply func(r *Report) (warning string)
}

// Report is what an agent has said.
type Report struct {
	Admin   *state.Admin
	Weight  string // as "75%"; "" for nothing
	MaxConn string // a number
}

// script asks the agent.
func (a *Agent) script() *script {
	s := &script{steps: []step{{connect: &connection{addr: a.Addr}}}}
	if a.Send() != "" {
		s.steps = append(s.steps, step{say: func(*Checker) ([]byte, bool) { return []byte(a.Send()), true }})
	}
	s.steps = append(s.steps, step{number: 2, expect: a.read})
	return s
}

// SetAgent asks an agent elsewhere from the next check on.
func (c *Checker) SetAgent(addr sock.Addr) { c.script.steps[0].connect.addr = addr }

// read takes the line of an agent apart.
func (a *Agent) read(d *dialogue) reading {
	end := bytes.IndexAny(d.in, "\r\n")
	if end < 0 {
		if !d.ended {
			return reading{wait: true}
		}
		d.neutral = true
		return reading{text: "Ignoring incomplete line from agent"}
	}
	words, about := agentWords(string(d.in[:end]))
	var r Report
	var health, odd string
	for _, w := range words {
		switch lower := strings.ToLower(w); {
		case lower == "up", lower == "down", lower == "stopped", lower == "fail":
			health = w
		case lower == "ready", lower == "drain", lower == "maint":
			to := map[string]state.Admin{"ready": state.Ready, "drain": state.Drain, "maint": state.Maint}[lower]
			r.Admin = &to
		case w[0] >= '0' && w[0] <= '9' && strings.Contains(w, "%"):
			r.Weight = w
		case strings.HasPrefix(lower, "maxconn:"):
			r.MaxConn = w[len("maxconn:"):]
		case odd == "":
			odd = w
		}
	}
	warning := a.Apply(&r)
	if health == "" {
		d.neutral = true
		switch {
		case odd != "":
			return reading{text: "agent reports an error : " + odd}
		case warning != "":
			return reading{text: "agent warns : " + warning}
		}
		return reading{}
	}
	up := strings.EqualFold(health, "up")
	if about == "" || up {
		switch {
		case odd != "":
			about = odd
		case warning != "":
			about = warning
		}
	}
	text := "via agent : " + health
	if about != "" {
		text += " (" + about + ")"
	}
	d.coded = true
	if up {
		return reading{text: text}
	}
	return fails(L7Sts, text)
}

// agentWords takes a line apart into words, and a description behind a "#" that begins one.
func agentWords(line string) (words []string, about string) {
	const blank = " \t,"
	for line = strings.TrimLeft(line, blank); line != ""; line = strings.TrimLeft(line, blank) {
		if line[0] == '#' {
			return words, strings.Trim(line[1:], " \t")
		}
		end := strings.IndexAny(line, blank)
		if end < 0 {
			end = len(line)
		}
		words, line = append(words, line[:end]), line[end:]
	}
	return words, ""
}
