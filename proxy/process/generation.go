package process

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"slices"
	"strconv"

	"bench/proxy/config"
	"bench/proxy/statspage"
)

// hash tells configurations apart: the beginning of a SHA-256 of their text.
func hash(sources []config.Source) string {
	h := sha256.New()
	for _, s := range sources {
		h.Write(s.Text)
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// generation is what the statistics page says about reloads.
func (p *process) generation() statspage.Generation {
	g := statspage.Generation{Reloads: p.state.Reloads, ConfigHash: p.hash}
	for _, pid := range slices.Concat(p.state.Former, p.opt.OldPIDs) {
		if alive(pid) {
			g.Former = append(g.Former, pid)
		}
	}
	return g
}

// alive tells whether there is such a process, and it has not ended yet: one that nobody
// has waited for keeps its number.
func alive(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	// The state is behind the name, which is in parentheses and may have any.
	rest := text[bytes.LastIndexByte(text, ')')+1:]
	return len(rest) > 1 && rest[1] != 'Z' && rest[1] != 'X'
}
