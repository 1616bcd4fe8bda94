package peering

import (
	"slices"
	"time"

	"bench/internal/loop"
	"bench/proxy/spec"
	"bench/proxy/table"
)

// Where a group is with learning what others know: from the process that it replaces, from
// another peer, or at the end of it.
const (
	StageLocal    = "local"
	StageRemote   = "remote"
	StageFinished = "finished"
)

// View is what a group is like at one moment.
type View struct {
	Spec     *spec.Peers
	Began    time.Time
	Stage    string
	Learning bool          // somebody teaches this process
	Waits    time.Duration // for somebody who can teach it; negative: it does not, or not any more
	Turns    uint64
	Peers    []PeerView
}

// PeerView is one process of it.
type PeerView struct {
	Spec *spec.Peer
	// Status is what has come of the last attempt: its number, or a word.
	Status    string
	Active    bool          // there is a connection, or an attempt at one
	Good      bool          // there is a connection
	Since     time.Duration // the last connection; negative: there was none
	Again     time.Duration // until the next attempt; negative: none is due
	Beat      time.Duration // until the next sign of life; negative: none is due
	SentBeats int
	// HeardBeats came, Silent were the connections that ended for want of any.
	HeardBeats, Silent, Attempts, Errors, Collisions int
	Confirms                                         int
	Teaching, Learning                               bool
	From, To                                         string // the ends of the connection, if there is one
	TLS                                              bool   // it is in TLS
	Tables                                           []TableView
}

// TableView is what is known of one table.
type TableView struct {
	Spec                      *table.Spec
	Local                     int    // its number here
	Remote                    uint64 // and there; 0: it is not known
	RemoteData                uint64 // the types of data that come, as bits
	Acked, Pushed, Got, Taken uint32 // numbers of updates: acknowledged to the other side, sent, come, acknowledged by it
	Last                      uint64 // the number of the last change here
	SentTexts, KnownTexts     []string
}

// View tells what the group is like, from any goroutine. It reports false once the loop
// has ended.
func (g *Group) View() (v View, ok bool) {
	ok = g.l.Call(func() { v = g.view() })
	return v, ok
}

func (g *Group) view() View {
	now := loop.Nanotime()
	v := View{Spec: g.cfg.Spec, Began: g.began, Learning: g.teacher != nil, Waits: -1, Turns: g.turns}
	switch g.stage {
	case fromLocal:
		v.Stage = StageLocal
	case fromRemote:
		v.Stage = StageRemote
	case upToDate:
		v.Stage = StageFinished
	}
	if g.stage != upToDate && g.until > now {
		v.Waits = time.Duration(g.until - now)
	}
	for _, p := range g.peers {
		v.Peers = append(v.Peers, p.view(now))
	}
	return v
}

func (p *peer) view(now int64) PeerView {
	g := p.g
	v := PeerView{
		Spec: p.spec, Status: "NONE", Since: -1, Again: -1, Beat: -1,
		SentBeats: p.sentBeats, HeardBeats: p.heardBeats, Silent: p.silent, Attempts: p.attempts, Errors: p.errors, Collisions: p.collisions,
	}
	if word, ok := statusWords[p.last]; ok {
		v.Status = word
	} else if p.last == 0 && p.attempts > 0 {
		v.Status = "CONN"
	}
	if !p.made.IsZero() {
		v.Since = time.Since(p.made)
	}
	if p.timer.Active() {
		v.Again = time.Duration(max(p.next-now, 0))
	}
	s := p.s
	if s != nil {
		v.Active, v.Good = true, s.state == established
		v.Confirms, v.Teaching, v.Learning = s.confirms, s.teaching, g.teacher == s
		if v.Good {
			v.Beat = time.Duration(max(s.said+int64(g.cfg.Times.Heartbeat)-now, 0))
			v.Again = time.Duration(max(s.heard+int64(g.cfg.Times.Dead)-now, 0))
			v.From, v.To = s.ends()
			v.TLS = s.secure != nil
		}
	}
	for i, t := range g.cfg.Tables {
		v.Tables = append(v.Tables, s.tableView(p, t, i))
	}
	slices.Reverse(v.Tables)
	return v
}

// statusWords are what answers to a greeting are called.
var statusWords = map[status]string{
	greetedOnly: "HSHK", succeeded: "ESTA", tryAgain: "RETR", badProtocol: "PROT", badVersion: "VERS", badTarget: "NAME", badSender: "UNKN",
}

func (s *session) tableView(p *peer, t *table.Table, i int) TableView {
	v := TableView{Spec: t.Spec, Local: i + 1, Taken: uint32(p.sent[i]), Pushed: uint32(p.sent[i]), Last: t.LastChange()}
	if s == nil || s.state != established {
		return v
	}
	x := &s.tables[i]
	v.Pushed, v.Got, v.Acked = uint32(x.upTo), x.got, x.acked
	if x.defined {
		v.Remote = x.id
		for _, c := range x.columns {
			v.RemoteData |= 1 << c.Datum
		}
	}
	v.SentTexts, v.KnownTexts = slices.Clone(s.sentTxt.list[:]), slices.Clone(s.heardT.list[:])
	return v
}
