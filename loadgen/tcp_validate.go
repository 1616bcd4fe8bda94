package loadgen

import (
	"fmt"

	"bench/internal/dist"
)

// maxScript bounds the steps of a script.
const maxScript = 1000

func validateTCP(s *Spec, bad func(string, ...any)) {
	if s.Trace != nil {
		bad("protocol tcp replays no traces: only http1 does")
	}
	for _, p := range s.TCP.Problems() {
		bad("%s", p.Text)
	}
	for i := range s.TCP.Exchanges {
		x := &s.TCP.Exchanges[i]
		in := ""
		if x.Name != "" {
			in = fmt.Sprintf("request %s: ", x.Name)
		}
		for _, p := range x.Problems(s.Connections.Pipeline) {
			bad("%s%s", in, p.Text)
		}
	}
}

// Problems tells what is wrong with t, apart from its exchanges taken by
// themselves.
func (t *TCP) Problems() []Problem {
	var bad problems
	bad.script("connect", t.Connect, 1)
	if len(t.Exchanges) == 0 {
		bad.add("exchanges", "no exchange: want at least one, of steps, echo, upload or download")
	}
	names := make([]string, len(t.Exchanges))
	for i := range t.Exchanges {
		names[i] = t.Exchanges[i].Name
	}
	bad.names("exchanges", names)
	return bad
}

// Problems tells what is wrong with an exchange in a load that sends so many
// requests ahead of their answers.
func (x *Exchange) Problems(pipeline int) []Problem {
	var bad problems
	if x.Weight < 0 || x.Weight > maxWeight {
		bad.add("weight", "weight %d: want 1 to %d", x.Weight, maxWeight)
	}
	given := 0
	for key, size := range map[string]*dist.Size{"echo": x.Echo, "upload": x.Upload, "download": x.Download} {
		if size == nil {
			continue
		}
		given++
		if n, fixed := size.Fixed(); fixed && (n < 1 || n > MaxBody && key != "download") {
			bad.add(key, "%s of %d bytes: want 1 to %d", key, n, MaxBody)
		}
	}
	if len(x.Steps) > 0 {
		given++
	}
	if given != 1 {
		bad.add("steps", "an exchange is one of steps, echo, upload and download")
		return bad
	}
	if len(x.Steps) > 0 {
		bad.script("steps", x.Steps, pipeline)
	}
	return bad
}

// script checks steps, which are at key.
func (p *problems) script(key string, texts []string, pipeline int) {
	if len(texts) > maxScript {
		p.add(key, "a script of %d steps: want at most %d", len(texts), maxScript)
	}
	listens := false
	for i, text := range texts {
		s, err := parseTCPStep(text)
		field := fmt.Sprintf("%s[%d]", key, i)
		if err != nil {
			p.add(field, "step %d: %s", i+1, err)
			return
		}
		switch sends := s.send != nil; {
		case sends && i == len(texts)-1 && key == "steps":
			p.add(field, "step %d: the end of an exchange is something that comes: want expect or read last", i+1)
		case sends && listens && pipeline > 1:
			p.add(field, "step %d: a script that answers cannot be sent ahead: want pipeline 1", i+1)
		case !sends:
			listens = true
		}
	}
}
