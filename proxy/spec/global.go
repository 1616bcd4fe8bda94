package spec

import "time"

// Global is the process-wide part of a configuration.
type Global struct {
	Daemon, Quiet, ZeroWarning bool
	MasterWorker               bool
	NoExitOnFailure            bool
	MasterMaxReloads           int // that an old worker outlives
	NbThread                   int // 0: one per usable CPU
	MaxConn                    int // 0: computed from the descriptor limit
	MaxConnRate, MaxSessRate   int // new connections and sessions per second; 0: no limit
	MaxCompRate                int // KiB per second that are encoded; 0: no limit
	MinCompIdle                int // percent of its time that a thread must be idle to encode
	MaxPipes                   int
	ULimitN                    int
	PIDFile                    string
	Chroot                     string
	UID, GID                   int // -1: unchanged
	Node, Description          string
	HardStopAfter              time.Duration // 0: never
	AnyPayload                 bool          // requests of HTTP/1.0 may have contents whatever their method
	// StateFile is the file of server states that backends may share; "": there is none.
	StateFile string
	// StatsFile is the file of counters that the process goes on from; "": there is none.
	StatsFile string

	Logs        []LogTarget
	LocalPeer   string // name of this process among its peers
	LogTag      string
	LogSendHost string // host name for the syslog header; "" leaves it out

	Stats        []*Bind // stats sockets
	AnonKey      uint32  // by which answers hide names; 0: another one each time
	StatsTimeout time.Duration
	StatsMaxConn int

	NoEpoll, NoPoll, NoSplice, NoReusePort bool
	NoIOUring                              bool

	// Profiling says when it is measured how long handlers take.
	Profiling Profiling

	SpreadChecks    int // percent, 0 to 50
	MaxSpreadChecks time.Duration
	CPUMap          []CPUMap

	// FieldCase is how header fields are written, by their names in lower case, to
	// peers that want them so ("h1-case-adjust").
	FieldCase map[string]string

	TLS  GlobalTLS
	Tune Tune

	HTTPClient HTTPClient
}

// HTTPClient is how scripts make requests ("httpclient.*").
type HTTPClient struct {
	// Resolvers is the index of the section whose name servers know hosts; -1: there is none.
	Resolvers  int
	PreferIPv4 bool
	// TLS is how servers are spoken to by https; nil: they are not.
	TLS *ServerTLS
}

// Profiling says when it is measured how long the handlers of a thread take.
type Profiling int32

// When it is.
const (
	ProfilingAuto Profiling = iota // while a turn of its loop takes long
	ProfilingOn
	ProfilingOff
)

// CPUMap binds threads (from 1) to CPUs.
type CPUMap struct {
	Threads []int
	CPUs    []int
}

// Tune are the "tune." settings that the engine honours.
type Tune struct {
	BufSize    int // 16384
	MaxRewrite int // 1024
	MaxAccept  int // connections per wake-up; -1 no limit
	// MultiQueue lets threads hand accepted connections to each other.
	MultiQueue      bool
	Poller          string // "": the best one
	HTTPMaxHdr      int    // 101
	HTTPLogURILen   int    // 1024
	PipeSize        int
	PoolHighFDRatio int // percent
	CompLevel       int // 1
	RcvBufClient    int
	RcvBufServer    int
	SndBufClient    int
	SndBufServer    int
	PeerUpdates     int // entries that are sent to a peer in a row
	StickCounters   int // that can track entries of stick tables at a time: 3

	// What is announced to clients of HTTP/2, in bytes and streams.

	H2TableSize  int // 4096
	H2Window     int // 65535
	H2MaxStreams int // 100
	H2MaxFrame   int // 16384
	// NoWebsocketH2 does not offer websockets to clients of HTTP/2.
	NoWebsocketH2 bool
	H2MaxTotal    int // streams of a connection in all; 0: no limit
	H2Glitches    int // oddities of a connection that are put up with; 0: 1000
}

// LogTarget is one "log" line.
type LogTarget struct {
	Pos
	// Addr is a UDP address or unix datagram socket, "fd@N", "stdout" or "stderr", as
	// written after expansion.
	Addr string
	Ring *Ring // lines go there instead; nil: to Addr
	// Format is "" (RFC 3164, with the host's name if log-send-hostname says
	// so), local, rfc3164, rfc5424, raw, short, timed, iso or priority.
	Format   string
	Len      int // longest line, 1024
	Facility int // 0 (kern) to 23 (local7)
	Level    int // 7: everything down to debug
	MinLevel int // 0: messages more severe than this are sent as this
	Sample   LogSample
}

// LogSample is which lines are sent: of every Size lines those in the ranges, which
// count from 1. A size of 0 is all.
type LogSample struct {
	Ranges [][2]int
	Size   int
}
