package engine

import "bench/proxy/spec"

// connsPerPipe is how many connections share a pipe by default: few of them carry
// bulk that waits in one at the same time.
const connsPerPipe = 4

// maxPipes is the limit of pipes in force: "maxpipes", else a quarter of the
// connections that may be spliced. conns is the configured limit of connections,
// 0 for none, and fds the number of descriptors for connections and pipes.
func maxPipes(cfg *spec.Config, conns, fds int) int {
	if n := cfg.Global.MaxPipes; n > 0 {
		return min(n, max(fds/2-1, 0))
	}
	// Two descriptors for each connection and two for every fourth one's pipe.
	most := fds * connsPerPipe / (2 * (connsPerPipe + 1))
	if conns > 0 {
		most = min(most, conns)
	}
	return min(splicedConns(cfg, most), most) / connsPerPipe
}

// splicedConns is how many connections may be spliced, at most most: those of the
// frontends, or of the backends, with one of the options.
func splicedConns(cfg *spec.Config, most int) int {
	front, back := 0, 0
	for _, p := range cfg.Proxies {
		if o := &p.Options; !o.SpliceAuto && !o.SpliceRequest && !o.SpliceResponse {
			continue
		}
		if p.Caps&spec.Frontend != 0 {
			if p.MaxConn <= 0 {
				return most
			}
			front += p.MaxConn
		}
		if p.Caps&spec.Backend != 0 {
			if p.FullConnAuto || p.FullConn <= 0 {
				return most
			}
			back += p.FullConn
		}
	}
	return max(front, back)
}
