package process

import (
	"fmt"
	"runtime"

	"bench/proxy/engine"
	"bench/proxy/log"
)

// dumpServers answers SIGHUP: the state of all servers.
func (p *process) dumpServers(e *engine.Engine) {
	p.say(log.Warning, "SIGHUP received, dumping servers states.")
	for _, b := range e.Backends() {
		up := 0
		for _, s := range b.Servers {
			st := s.State()
			word := "DOWN"
			if st.Running() {
				word = "UP"
				up++
			}
			p.say(log.Warning, fmt.Sprintf("SIGHUP: Server %s/%s is %s. Conn: %d act, %d pend.", b.Name, s.Name(), word, st.Sessions, st.Queued))
		}
		switch {
		case len(b.Servers) == 0:
			p.say(log.Warning, fmt.Sprintf("SIGHUP: Proxy %s has no servers.", b.Name))
		case up == 0:
			p.say(log.Warning, fmt.Sprintf("SIGHUP: Proxy %s has no server available !", b.Name))
		default:
			p.say(log.Warning, fmt.Sprintf("SIGHUP: Proxy %s has %d of %d servers available.", b.Name, up, len(b.Servers)))
		}
	}
}

// dumpMemory answers SIGQUIT: what the memory is used for.
func (p *process) dumpMemory() {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Fprintf(p.Stderr, "Dumping memory usage after a collection.\n"+
		"  heap: %d bytes in %d objects, %d bytes mapped, %d returned\n"+
		"  stacks: %d bytes, %d goroutines\n"+
		"Total: %d bytes from the system.\n",
		m.HeapAlloc, m.HeapObjects, m.HeapSys, m.HeapReleased, m.StackInuse, runtime.NumGoroutine(), m.Sys)
}
