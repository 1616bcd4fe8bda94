package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bench/proxy/peering"
)

func peersCommands() []Command {
	return []Command{
		{Words: "show peers", Args: "[dict|-] [section]", Help: "dump some information about all the peers or this peers section", Fn: showPeers},
	}
}

func showPeers(r *request) error {
	args, dict := r.args, false
	if len(args) > 0 && (args[0] == "dict" || args[0] == "-") {
		dict, args = args[0] == "dict", args[1:]
	}
	found := len(args) == 0
	var b []byte
	for _, v := range r.s.engine.Peers() {
		if len(args) == 0 || v.Spec.Name == args[0] {
			found = true
			b = appendGroup(b, &v, dict)
		}
	}
	if !found {
		return r.fail("No such peers")
	}
	_, err := r.w.Write(b)
	return err
}

// span writes a time that something takes, from now on or up to now.
func span(d time.Duration, none string) string {
	switch {
	case d < 0:
		return none
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Hour:
		return strings.TrimSuffix(d.Truncate(time.Second).String(), "m0s")
	}
	return d.Truncate(time.Minute).String()
}

func appendGroup(b []byte, v *peering.View, dict bool) []byte {
	b = fmt.Appendf(b, "%p: [%s] id=%s disabled=0 flags=0x%x resync_timeout=%s task_calls=%d\n",
		v.Spec, v.Began.Format("02/Jan/2006:15:04:05"), v.Spec.Name, groupFlags(v), span(v.Waits, "<PAST>"), v.Turns)
	for i := range slices.Backward(v.Peers) {
		b = appendPeer(b, &v.Peers[i], dict)
	}
	return append(b, '\n')
}

// What the reference's flags of a group say. Those of how it came about are left out.
const (
	localFinished    = 0x0001 // nothing more is to be learnt from the process that was replaced
	remoteFinished   = 0x0002 // nor from another peer
	teacherAssigned  = 0x0004
	teacherRequested = 0x0008
)

// What the reference's flags of a peer say.
const (
	peerTeaching = 0x00000001 // this process teaches it
	peerLearning = 0x00000100 // this process learns from it
	peerAlive    = 0x20000000
)

func groupFlags(v *peering.View) (flags int) {
	switch v.Stage {
	case peering.StageRemote:
		flags = localFinished
	case peering.StageFinished:
		flags = localFinished | remoteFinished
	}
	if v.Learning {
		flags |= teacherAssigned | teacherRequested
	}
	return flags
}

func peerFlags(p *peering.PeerView) (flags int) {
	if p.Teaching {
		flags |= peerTeaching
	}
	if p.Learning {
		flags |= peerLearning
	}
	if p.Good {
		flags |= peerAlive
	}
	return flags
}

func appendPeer(b []byte, p *peering.PeerView, dict bool) []byte {
	where, active := "remote", "inactive"
	if p.Spec.Local {
		where = "local"
	}
	if p.Active {
		active = "active"
	}
	b = fmt.Appendf(b, "  %p: id=%s(%s,%s) addr=%s last_status=%s last_hdshk=%s\n", p.Spec, p.Spec.Name, where, active, p.Spec.Addr.String(), p.Status, span(p.Since, "<NEVER>"))
	b = fmt.Appendf(b, "        reconnect=%s heartbeat=%s confirm=%d tx_hbt=%d rx_hbt=%d no_hbt=%d new_conn=%d proto_err=%d coll=%d\n",
		span(p.Again, "<NEVER>"), span(p.Beat, "<NEVER>"), p.Confirms, p.SentBeats, p.HeardBeats, p.Silent, p.Attempts, p.Errors, p.Collisions)
	b = fmt.Appendf(b, "        flags=0x%x", peerFlags(p))
	if p.Good {
		b = fmt.Appendf(b, " state=EST\n        xprt=%s src=%s addr=%s", layerName(p.TLS), p.From, p.To)
	}
	b = append(b, '\n')
	if len(p.Tables) > 0 {
		b = append(b, "        shared tables:\n"...)
	}
	for i := range p.Tables {
		t := &p.Tables[i]
		b = fmt.Appendf(b, "          %p local_id=%d remote_id=%d remote_data=0x%x\n", t.Spec, t.Local, t.Remote, t.RemoteData)
		b = fmt.Appendf(b, "              last_acked=%d last_pushed=%d last_get=%d update=%d\n", t.Acked, t.Pushed, t.Got, t.Taken)
		b = fmt.Appendf(b, "              table:%p id=%s update=%d\n", t.Spec, t.Spec.Name, t.Last)
		if !dict {
			b = append(b, "        Dictionary cache not dumped (use \"show peers dict\")\n"...)
			continue
		}
		b = appendTexts(append(b, "        TX dictionary cache:"...), t.SentTexts, false)
		b = appendTexts(append(b, "        RX dictionary cache:"...), t.KnownTexts, true)
	}
	return b
}

// appendTexts writes a dictionary, four texts a line.
func appendTexts(b []byte, list []string, all bool) []byte {
	n := 0
	for i, text := range list {
		if text == "" {
			if !all {
				continue
			}
			text = "-"
		}
		if n%4 == 0 {
			b = append(b, "\n        "...)
		}
		n++
		b = fmt.Appendf(b, " %4d -> %s", i, text)
	}
	return append(b, '\n')
}
