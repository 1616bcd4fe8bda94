package cli

import (
	"fmt"
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
	b = fmt.Appendf(b, "%p: [%s] id=%s disabled=0 learn=%s teacher=%d resync_timeout=%s task_calls=%d\n",
		v.Spec, v.Began.Format("02/Jan/2006:15:04:05"), v.Spec.Name, v.Stage, bit(v.Learning), span(v.Waits, "<PAST>"), v.Turns)
	for i := range v.Peers {
		b = appendPeer(b, &v.Peers[i], dict)
	}
	return append(b, '\n')
}

func bit(is bool) int {
	if is {
		return 1
	}
	return 0
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
	b = fmt.Appendf(b, "        teaching=%d learning=%d", bit(p.Teaching), bit(p.Learning))
	if p.Good {
		b = fmt.Appendf(b, " state=EST src=%s addr=%s", p.From, p.To)
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
