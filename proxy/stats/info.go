package stats

import "time"

// Info is what "show info" tells of the process. What there is nothing of is
// printed as 0.
type Info struct {
	Version     string
	ReleaseDate string // YYYY/MM/DD
	Node        string
	Description string // "": the line is left out
	Threads     int
	Pid         int
	Started     time.Time
	Now         time.Time

	UlimitN, MaxSock, MaxConn, HardMaxConn int
	CurrConns, CumConns, CumReq            uint64
	MaxPipes, PipesUsed, PipesFree         int

	ConnRate, MaxConnRate, ConnRateLimit uint64
	SessRate, MaxSessRate, SessRateLimit uint64

	MaxTLSConns                         int
	TLSConns, CumTLSConns, TLSRateLimit uint64

	TLSRate, MaxTLSRate             uint64
	KeyRate, MaxKeyRate             uint64 // handshakes with clients that agree on keys anew
	ServerKeyRate, MaxServerKeyRate uint64

	// Bytes in a second into encoders and out of them; 0: no limit.
	CompIn, CompOut, CompLimit uint64

	// MemAlloc and MemUsed are bytes obtained and in use by the process's own
	// memory management.
	MemAlloc, MemUsed uint64

	Tasks, RunQueue, IdlePct   int
	Stopping                   bool
	Jobs, Listeners            int
	BusyPolling                bool
	DroppedLogs                uint64
	RecvLogs                   uint64 // lines of other programs
	BytesOut, BytesOutRate     uint64
	SplicedOut                 uint64
	ActivePeers, ConnectedPeer int
	DebugCommands              uint64
	Tainted                    uint32 // bits
}

// Process fills the counted fields from the sum over the threads.
func (i *Info) Process(p *Process, now int64) {
	i.CumConns, i.CumReq = p.Conns, p.Requests
	i.ConnRate, i.MaxConnRate = p.ConnRate.Read(now), p.ConnRate.Peak()
	i.SessRate, i.MaxSessRate = p.SessRate.Read(now), p.SessRate.Peak()
	i.TLSRate, i.MaxTLSRate = p.TLSRate.Read(now), p.TLSRate.Peak()
	i.KeyRate, i.MaxKeyRate = p.KeyRate.Read(now), p.KeyRate.Peak()
	i.ServerKeyRate, i.MaxServerKeyRate = p.ServerKeyRate.Read(now), p.ServerKeyRate.Peak()
	i.CompIn, i.CompOut = p.CompIn.Read(now), p.CompOut.Read(now)
	i.DroppedLogs = p.LogsDropped
	i.BytesOut, i.BytesOutRate, i.SplicedOut = p.BytesOut, p.BytesRate.Read(now), p.SplicedOut
}

// reusedPct is how many of a hundred connections of clients in TLS went on with an earlier
// session, in the last second.
func (i *Info) reusedPct() uint64 {
	if i.TLSRate == 0 || i.KeyRate >= i.TLSRate {
		return 0
	}
	return 100 - (100*i.KeyRate+(i.TLSRate-1)/2)/i.TLSRate
}
