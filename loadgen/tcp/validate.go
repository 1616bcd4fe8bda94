package tcp

import (
	"fmt"

	"bench/internal/dist"
	"bench/loadgen/codec"
)

// maxScript bounds the steps of a script.
const maxScript = 1000

// Problems says what is wrong with t, apart from its exchanges taken by
// themselves.
func (t *Spec) Problems() []codec.Problem {
	var bad codec.Problems
	checkScript(&bad, "connect", t.Connect, 1)
	if len(t.Exchanges) == 0 {
		bad.Add("exchanges", "no exchange: want at least one, of steps, echo, upload or download")
	}
	names := make([]string, len(t.Exchanges))
	for i := range t.Exchanges {
		names[i] = t.Exchanges[i].Name
	}
	bad.Names("exchanges", names)
	return bad
}

// Problems says what is wrong with an exchange in a load that sends so many
// requests ahead of their answers.
func (x *Exchange) Problems(pipeline int) []codec.Problem {
	var bad codec.Problems
	if x.Weight < 0 || x.Weight > codec.MaxWeight {
		bad.Add("weight", "weight %d: want 1 to %d", x.Weight, codec.MaxWeight)
	}
	given := 0
	for key, size := range map[string]*dist.Size{"echo": x.Echo, "upload": x.Upload, "download": x.Download} {
		if size == nil {
			continue
		}
		given++
		if n, fixed := size.Fixed(); fixed && (n < 1 || n > codec.MaxBody && key != "download") {
			bad.Add(key, "%s of %d bytes: want 1 to %d", key, n, codec.MaxBody)
		}
	}
	if len(x.Steps) > 0 {
		given++
	}
	if given != 1 {
		bad.Add("steps", "an exchange is one of steps, echo, upload and download")
		return bad
	}
	if len(x.Steps) > 0 {
		checkScript(&bad, "steps", x.Steps, pipeline)
	}
	return bad
}

// checkScript checks steps, which are at key.
func checkScript(p *codec.Problems, key string, texts []string, pipeline int) {
	if len(texts) > maxScript {
		p.Add(key, "a script of %d steps: want at most %d", len(texts), maxScript)
	}
	listens := false
	for i, text := range texts {
		s, err := parseStep(text)
		field := fmt.Sprintf("%s[%d]", key, i)
		if err != nil {
			p.Add(field, "step %d: %s", i+1, err)
			return
		}
		switch sends := s.send != nil; {
		case sends && i == len(texts)-1 && key == "steps":
			p.Add(field, "step %d: an exchange ends with something that is received: want expect or read last", i+1)
		case sends && listens && pipeline > 1:
			p.Add(field, "step %d: a script that answers cannot be sent ahead: want pipeline 1", i+1)
		case !sends:
			listens = true
		}
	}
}
