package stats

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// infoField is one field of "show info".
type infoField struct {
	pos  int
	name string
	tags tags
	get  func(i *Info) value
	doc  string
}

const megabyte = 1 << 20

// infoFields are the fields in their fixed order. Positions have gaps where
// other builds print more.
var infoFields = []infoField{
	{0, "Name", "POS", func(*Info) value { return str("HAProxy") }, "name of the product whose API this is"},
	{1, "Version", "POS", func(i *Info) value { return str(i.Version) }, "version"},
	{2, "Release_date", "POS", func(i *Info) value { return str(i.ReleaseDate) }, "date of the sources"},
	{3, "Nbthread", "CGS", func(i *Info) value { return u32(i.Threads) }, "event loops"},
	{4, "Nbproc", "CGS", one, "processes, always 1"},
	{5, "Process_num", "KGP", one, "number of this process, always 1"},
	{6, "Pid", "SGP", func(i *Info) value { return u32(i.Pid) }, "process id"},
	{7, "Uptime", "MDP", func(i *Info) value { return str(uptime(i.up())) }, "time since the start in days, hours, minutes, seconds"},
	{8, "Uptime_sec", "MDP", func(i *Info) value { return u32(int64(i.up() / time.Second)) }, "seconds since the start"},
	{9, "Memmax_MB", "CLP", zeroInfo, "limit of memory in MB, 0 for none"},
	{10, "PoolAlloc_MB", "MGP", func(i *Info) value { return u32(i.MemAlloc / megabyte) }, "MB held by the process's memory management"},
	{11, "PoolUsed_MB", "MGP", func(i *Info) value { return u32(i.MemUsed / megabyte) }, "MB in use of those"},
	{12, "PoolFailed", "MCP", zeroInfo, "failed allocations"},
	{13, "Ulimit-n", "CLP", func(i *Info) value { return u32(i.UlimitN) }, "limit of descriptors"},
	{14, "Maxsock", "CLP", func(i *Info) value { return u32(i.MaxSock) }, "limit of sockets"},
	{15, "Maxconn", "CLP", func(i *Info) value { return u32(i.MaxConn) }, "limit of connections in force"},
	{16, "Hard_maxconn", "CLP", func(i *Info) value { return u32(i.HardMaxConn) }, "limit of connections that cannot be raised"},
	{17, "CurrConns", "MGP", func(i *Info) value { return u32(i.CurrConns) }, "connections now"},
	{18, "CumConns", "MCP", func(i *Info) value { return u32(i.CumConns) }, "connections in total"},
	{19, "CumReq", "MCP", func(i *Info) value { return u32(i.CumReq) }, "requests in total"},
	{20, "MaxSslConns", "MMP", func(i *Info) value { return u32(i.MaxTLSConns) }, "limit of TLS connections"},
	{21, "CurrSslConns", "MGP", func(i *Info) value { return u32(i.TLSConns) }, "TLS connections now"},
	{22, "CumSslConns", "MCP", func(i *Info) value { return u32(i.CumTLSConns) }, "TLS connections in total"},
	{23, "Maxpipes", "CLP", func(i *Info) value { return u32(i.MaxPipes) }, "limit of pipes for splicing"},
	{24, "PipesUsed", "MGP", func(i *Info) value { return u32(i.PipesUsed) }, "pipes in use"},
	{25, "PipesFree", "MGP", func(i *Info) value { return u32(i.PipesFree) }, "pipes kept for reuse"},
	{26, "ConnRate", "MRP", func(i *Info) value { return u32(i.ConnRate) }, "connections in the last second"},
	{27, "ConnRateLimit", "CLP", func(i *Info) value { return u32(i.ConnRateLimit) }, "configured limit of those"},
	{28, "MaxConnRate", "MMP", func(i *Info) value { return u32(i.MaxConnRate) }, "most connections in one second"},
	{29, "SessRate", "MRP", func(i *Info) value { return u32(i.SessRate) }, "sessions in the last second"},
	{30, "SessRateLimit", "CLP", func(i *Info) value { return u32(i.SessRateLimit) }, "configured limit of those"},
	{31, "MaxSessRate", "MRP", func(i *Info) value { return u32(i.MaxSessRate) }, "most sessions in one second"},
	{32, "SslRate", "MRP", func(i *Info) value { return u32(i.TLSRate) }, "TLS connections in the last second"},
	{33, "SslRateLimit", "CLP", func(i *Info) value { return u32(i.TLSRateLimit) }, "configured limit of those"},
	{34, "MaxSslRate", "MMP", func(i *Info) value { return u32(i.MaxTLSRate) }, "most TLS connections in one second"},
	{35, "SslFrontendKeyRate", "MGP", func(i *Info) value { return u32(i.KeyRate) }, "TLS keys made for clients in the last second"},
	{36, "SslFrontendMaxKeyRate", "MMP", func(i *Info) value { return u32(i.MaxKeyRate) }, "most of those in one second"},
	{37, "SslFrontendSessionReuse_pct", "MGP", func(i *Info) value { return u32(i.reusedPct()) }, "percentage of resumed TLS sessions"},
	{38, "SslBackendKeyRate", "MRP", func(i *Info) value { return u32(i.ServerKeyRate) }, "TLS keys made for servers in the last second"},
	{39, "SslBackendMaxKeyRate", "MMP", func(i *Info) value { return u32(i.MaxServerKeyRate) }, "most of those in one second"},
	{40, "SslCacheLookups", "MCP", zeroInfo, "look-ups of TLS sessions"},
	{41, "SslCacheMisses", "MCP", zeroInfo, "look-ups that found none"},
	{42, "CompressBpsIn", "MRP", func(i *Info) value { return u32(i.CompIn) }, "bytes per second into the compressor"},
	{43, "CompressBpsOut", "MRP", func(i *Info) value { return u32(i.CompOut) }, "bytes per second out of the compressor"},
	{44, "CompressBpsRateLim", "CLP", func(i *Info) value { return u32(i.CompLimit) }, "configured limit of those"},
	{47, "Tasks", "MGP", func(i *Info) value { return u32(i.Tasks) }, "timers and waiting work"},
	{48, "Run_queue", "MGP", func(i *Info) value { return u32(i.RunQueue) }, "work ready to run"},
	{49, "Idle_pct", "MaP", func(i *Info) value { return u32(i.IdlePct) }, "percentage of the last second spent waiting"},
	{50, "node", "COS", func(i *Info) value { return str(i.Node) }, "name of the node"},
	{51, "description", "COS", func(i *Info) value { return ifSet(i.Description) }, "description of the node"},
	{52, "Stopping", "MGP", func(i *Info) value { return flag(i.Stopping) }, "1 while the process is stopping"},
	{53, "Jobs", "MGP", func(i *Info) value { return u32(i.Jobs) }, "connections and listeners that keep the process alive"},
	{54, "Unstoppable Jobs", "MGP", zeroInfo, "jobs that do not"},
	{55, "Listeners", "MGP", func(i *Info) value { return u32(i.Listeners) }, "listeners that accept"},
	{56, "ActivePeers", "MGP", func(i *Info) value { return u32(i.ActivePeers) }, "peers in sync"},
	{57, "ConnectedPeers", "MGP", func(i *Info) value { return u32(i.ConnectedPeer) }, "peers connected"},
	{58, "DroppedLogs", "MGP", func(i *Info) value { return u32(i.DroppedLogs) }, "log lines no target took"},
	{59, "BusyPolling", "MGP", func(i *Info) value { return flag(i.BusyPolling) }, "1 with busy polling"},
	{60, "FailedResolutions", "MGP", zeroInfo, "failed name resolutions"},
	{61, "TotalBytesOut", "MGP", func(i *Info) value { return u64(i.BytesOut) }, "bytes sent in total"},
	{62, "TotalSplicdedBytesOut", "MGP", func(i *Info) value { return u64(i.SplicedOut) }, "bytes sent through pipes in total"},
	{63, "BytesOutRate", "MRP", func(i *Info) value { return u64(i.BytesOutRate) }, "bytes sent in the last second"},
	{64, "DebugCommandsIssued", "MGP", func(i *Info) value { return u32(i.DebugCommands) }, "debugging commands given"},
	{65, "CumRecvLogs", "MCP", func(i *Info) value { return u32(i.RecvLogs) }, "log lines received for forwarding"},
	{66, "Build info", "POS", func(i *Info) value { return str(i.Version) }, "what it was built from"},
	{67, "Memmax_bytes", "CLP", zeroInfo, "limit of memory in bytes, 0 for none"},
	{68, "PoolAlloc_bytes", "MGP", func(i *Info) value { return u64(i.MemAlloc) }, "bytes held by the process's memory management"},
	{69, "PoolUsed_bytes", "MGP", func(i *Info) value { return u64(i.MemUsed) }, "bytes in use of those"},
	{70, "Start_time_sec", "MDP", func(i *Info) value { return u32(i.Started.Unix()) }, "time of the start in seconds since 1970"},
	{71, "Tainted", "SGP", func(i *Info) value { return str(taint(i.Tainted)) }, "commands for experts (0x4) and experimental ones (0x8) that were given"},
}

func one(*Info) value      { return u32(1) }
func zeroInfo(*Info) value { return u32(0) }

func (i *Info) up() time.Duration { return max(0, i.Now.Sub(i.Started)) }

func uptime(d time.Duration) string {
	s := int64(d / time.Second)
	return fmt.Sprintf("%dd %dh%02dm%02ds", s/86400, s/3600%24, s/60%60, s%60)
}

// floats are the fields that "show info float" has as numbers with decimals.
var floats = map[string]func(i *Info) float64{
	"Uptime_sec":                  func(i *Info) float64 { return i.up().Seconds() },
	"ConnRate":                    func(i *Info) float64 { return float64(i.ConnRate) },
	"SessRate":                    func(i *Info) float64 { return float64(i.SessRate) },
	"SslRate":                     func(i *Info) float64 { return float64(i.TLSRate) },
	"SslFrontendKeyRate":          func(i *Info) float64 { return float64(i.KeyRate) },
	"SslFrontendSessionReuse_pct": func(i *Info) float64 { return float64(i.reusedPct()) },
	"SslBackendKeyRate":           func(i *Info) float64 { return float64(i.ServerKeyRate) },
	"CompressBpsIn":               func(i *Info) float64 { return float64(i.CompIn) },
	"CompressBpsOut":              func(i *Info) float64 { return float64(i.CompOut) },
	"Start_time_sec":              func(i *Info) float64 { return float64(i.Started.UnixMicro()) / 1e6 },
}

// asFloat is a field as "show info float" has it. A rate is called one there.
func (f *infoField) asFloat(i *Info) (value, tags) {
	get, ok := floats[f.name]
	switch {
	case !ok:
		return f.get(i), f.tags
	case f.tags == "MGP":
		return flt(get(i)), "MRP"
	}
	return flt(get(i)), f.tags
}

// WriteInfo writes the process as "show info" does, without the empty line that
// ends an answer. float: some fields have decimals.
func WriteInfo(w io.Writer, i *Info, format Format, desc, float bool) error {
	var b []byte
	if format == JSON {
		b = append(b, '[')
	}
	for k := range infoFields {
		f := &infoFields[k]
		v, t := f.get(i), f.tags
		if float {
			v, t = f.asFloat(i)
		}
		if v.kind == kindNone {
			continue
		}
		switch format {
		case Text:
			b = v.append(append(append(b, f.name...), ": "...))
		case Typed:
			b = appendTyped(append(strconv.AppendInt(b, int64(f.pos), 10), '.'), f.name, t, v)
		case JSON:
			if k > 0 {
				b = append(b, ',')
			}
			b = append(appendJSONField(append(b, '{'), f.pos, f.name, t, v), '}')
			continue
		}
		if desc {
			b = append(append(append(b, ':', '"'), f.doc...), '"')
		}
		b = append(b, '\n')
	}
	if format == JSON {
		b = append(b, "]\n"...)
	}
	_, err := w.Write(b)
	return err
}

// taint writes bits in hexadecimal digits; none is "0".
func taint(bits uint32) string {
	if bits == 0 {
		return "0"
	}
	return "0x" + strconv.FormatUint(uint64(bits), 16)
}
