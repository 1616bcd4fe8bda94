package stats

import "time"

// Info is what "show info" tells of the process. Fields that only TLS, peers or
// compression would fill are printed as 0.
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

	// MemAlloc and MemUsed are bytes obtained and in use by the process's own
	// memory management.
	MemAlloc, MemUsed uint64

	Tasks, RunQueue, IdlePct   int
	Stopping                   bool
	Jobs, Listeners            int
	BusyPolling                bool
	DroppedLogs                uint64
	BytesOut, BytesOutRate     uint64
	SplicedOut                 uint64
	ActivePeers, ConnectedPeer int
	FailedResolutions          uint64
}

// Process fills the counted fields from the sum over the threads.
func (i *Info) Process(p *Process, now int64) {
	i.CumConns, i.CumReq = p.Conns, p.Requests
	i.ConnRate, i.MaxConnRate = p.ConnRate.Read(now), p.ConnRate.Peak()
	i.SessRate, i.MaxSessRate = p.SessRate.Read(now), p.SessRate.Peak()
	i.DroppedLogs = p.LogsDropped
	i.BytesOut, i.BytesOutRate, i.SplicedOut = p.BytesOut, p.BytesRate.Read(now), p.SplicedOut
}
