package wire

import (
	"encoding/binary"
	"encoding/json"
	"time"
)

// Version of what is said: hosts and runners of different ones do not understand each
// other.
const Version = 4

// Times of leases. Whoever waits counts ticks of its own, not time: a process that stood
// still has missed one tick, not a lease.
const (
	Tick = 250 * time.Millisecond
	// BeatEvery is the time between two signs of life.
	BeatEvery = 500 * time.Millisecond
	// Lease is how many ticks without a sign of life end what depends on it.
	Lease = 16
	// AskEvery is the time after which an order is sent again, first. It grows to AskAtMost:
	// where the way takes longer than the first, every answer would come too late.
	AskEvery  = 500 * time.Millisecond
	AskAtMost = 2 * time.Second
)

// MaxChunk bounds what one message carries.
const MaxChunk = 256 << 10

// Hello is a host that offers itself.
type Hello struct {
	Version  int               `json:"version"`
	Name     string            `json:"name"`
	Instance string            `json:"instance"` // of the process that has joined
	Labels   map[string]string `json:"labels,omitempty"`
	Allow    []string          `json:"allow"`
	Exec     []string          `json:"exec,omitempty"` // programs besides this one
	Address  string            `json:"address"`        // by which other hosts reach it
	CPUs     int               `json:"cpus"`
	Kernel   string            `json:"kernel"`
	Tool     string            `json:"tool"` // version of this program
	Run      string            `json:"run,omitempty"`
	// Packets: it has the rights that faults of connections and packets take.
	Packets bool `json:"packets,omitempty"`
}

// Roles that a host may take on.
const (
	RoleLoad    = "load"
	RoleBackend = "backend"
	RoleProxy   = "proxy"
)

// Roles lists them.
func Roles() []string { return []string{RoleLoad, RoleBackend, RoleProxy} }

// BeatMessage is a sign of life of a host.
type BeatMessage struct {
	Instance string `json:"instance"`
	Run      string `json:"run,omitempty"` // that it works for
}

// Kinds of orders.
const (
	// On the channel of the run.
	OpOpen  = "open"  // work for this run: makes its directory
	OpClose = "close" // end and undo everything of it
	OpFile  = "file"  // write a file of the directory
	OpPort  = "port"  // a free port of the host's address
	OpUsage = "usage" // what processes have used
	// On the channel of a process.
	OpStart  = "start"
	OpDial   = "dial" // a connection to a unix socket in place of a process
	OpStdin  = "stdin"
	OpEOF    = "eof"
	OpSignal = "signal"
	OpKill   = "kill"
	// On the channel of a fault.
	OpFault = "fault" // make it act
	OpUndo  = "undo"  // end it, and say what it did
)

// Fault is something to be done to processes of the run, or to one of its ports.
type Fault struct {
	Kind string `json:"kind"` // of FaultStop, FaultStarve, FaultFiles, FaultMemory, FaultPort
	PIDs []int  `json:"pids,omitempty"`
	// Share of a processor that is left, and Value of a limit.
	Share float64 `json:"share,omitempty"`
	Value uint64  `json:"value,omitempty"`
	// Port is an order of package chaos/port, as JSON.
	Port json.RawMessage `json:"port,omitempty"`
}

// Kinds of faults.
const (
	FaultStop   = "stop"
	FaultStarve = "starve"
	FaultFiles  = "files"
	FaultMemory = "memory"
	FaultPort   = "port"
)

// Order is one order. Those of a channel are numbered from 1; the host carries each out
// once, never one after a later one, and answers a repeated one from memory.
type Order struct {
	Seq  uint64   `json:"seq"`
	Op   string   `json:"op"`
	Name string   `json:"name,omitempty"` // of a process, for messages
	Self bool     `json:"self,omitempty"` // the program is this one, args come after it
	Args []string `json:"args,omitempty"`
	CPUs []int    `json:"cpus,omitempty"`
	Nice int      `json:"nice,omitempty"`
	// RealTime and Pipe are as of proc.Spec; with Lines the standard output is sent.
	RealTime bool   `json:"realTime,omitempty"`
	Lines    bool   `json:"lines,omitempty"`
	Pipe     bool   `json:"pipe,omitempty"`
	InDir    bool   `json:"inDir,omitempty"` // the working directory is that of the run
	Path     string `json:"path,omitempty"`  // of a file or socket, below the directory
	Mode     uint32 `json:"mode,omitempty"`
	Append   bool   `json:"append,omitempty"`
	Data     []byte `json:"data,omitempty"`
	Signal   int    `json:"signal,omitempty"`
	PIDs     []int  `json:"pids,omitempty"`
	Fault    *Fault `json:"fault,omitempty"`
}

// Reply answers an order.
type Reply struct {
	Seq   uint64  `json:"seq"`
	Error string  `json:"error,omitempty"`
	Kind  string  `json:"kind,omitempty"` // of error
	PID   int     `json:"pid,omitempty"`
	Dir   string  `json:"dir,omitempty"`
	Port  int     `json:"port,omitempty"`
	Usage []Usage `json:"usage,omitempty"`
	// Certificate is the record of what a fault did.
	Certificate json.RawMessage `json:"certificate,omitempty"`
}

// Usage is what a process and its descendants have used.
type Usage struct {
	PID        int     `json:"pid"`
	CPUSeconds float64 `json:"cpuSeconds"`
	RSSBytes   uint64  `json:"rssBytes"`
	Children   []int   `json:"children,omitempty"`
}

// Kinds of errors.
const (
	KindMissing = "missing" // a program that is not there
	KindRefused = "refused" // not allowed by the host
	KindGone    = "gone"    // the host does not work for the run, or not any more
	KindBusy    = "busy"    // it works for another run
	KindNobody  = "nobody"  // nobody listens at a socket
)

// Headers of output.
const (
	HeaderSeq  = "Seq"  // number of the message in its channel, from 1
	HeaderKind = "Kind" // of OutputText, OutputEnd, SaidFull
)

// SaidFull is the kind of what the hub says on Full. JetStream acknowledges a message of a
// host wherever that host wants it, on subjects of others, too, but writes no headers: whoever
// takes something by its subject has to know it from such an acknowledgement.
const SaidFull = "full"

// Kinds of output.
const (
	OutputText = "out"
	OutputEnd  = "end"
)

// End is the last message of a process.
type End struct {
	State  string `json:"state"`
	Code   int    `json:"code"`
	Output string `json:"output,omitempty"`
}

// Stamps are the two readings of a host's clock in a round trip, as bytes.
func Stamps(received, answered int64) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(received))
	return binary.BigEndian.AppendUint64(b, uint64(answered))
}

// ReadStamps is their opposite.
func ReadStamps(b []byte) (received, answered int64, ok bool) {
	if len(b) != 16 {
		return 0, 0, false
	}
	return int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:])), true
}
