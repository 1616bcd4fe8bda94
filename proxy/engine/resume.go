package engine

import (
	"fmt"
	"os"
	"time"

	"bench/internal/loop"
	"bench/internal/syserr"
	"bench/proxy/log"
	"bench/proxy/server"
	"bench/proxy/stats"
	"bench/proxy/stream"
)

// resumeCounters makes counters go on from those that a former process has left in the
// file of "stats-file". They belong to the first thread, as those of all threads are added
// up.
func (e *Engine) resumeCounters() {
	path := e.cfg.Global.StatsFile
	if path == "" {
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		e.alert(log.Warning, fmt.Sprintf("config : can't load stats-file '%s': %v.", path, syserr.Cause(err)))
		return
	}
	f, ok := stats.ReadSaved(string(text), func(line int, what string) {
		e.alert(log.Warning, fmt.Sprintf("config : ignored stats-file %s %d in file '%s'.", what, line, path))
	})
	if !ok {
		e.alert(log.Warning, fmt.Sprintf("config : invalid stats-file format in file '%s'.", path))
		return
	}
	now := loop.Nanotime()
	t := e.threads[0]
	for _, fe := range e.shared.Frontends.All() {
		t.Fronts[fe.Spec.Index].C.Resume(f.Front[fe.Spec.GUID], now)
	}
	e.resumeListeners(t, f.Front)
	for _, b := range e.shared.Backends.All() {
		saved := f.Back[b.Spec.GUID]
		t.Backs[b.Spec.Index].C.Resume(saved, now)
		b.Resume(history(saved))
		for _, s := range b.Servers() {
			e.resumeServer(s, t, f.Back[s.Spec.GUID], now)
		}
	}
}

// resumeListeners gives the sockets with statistics of their own theirs.
func (e *Engine) resumeListeners(t *stream.Thread, saved map[string]stats.Saved) {
	index := 0
	for _, fe := range e.shared.Frontends.All() {
		if fe.Spec.Disabled {
			continue
		}
		for _, b := range fe.Spec.Binds {
			if s := saved[b.GUID]; s != nil && fe.Spec.Options.SocketStats {
				side := &stream.ListenerSide{}
				side.C.Resume(s)
				t.Listeners.Put(index, side)
			}
			index++
		}
	}
}

func (e *Engine) resumeServer(s *server.Server, t *stream.Thread, saved stats.Saved, now int64) {
	t.Server(s).C.Resume(saved, now)
	s.Resume(history(saved))
	if n, ok := saved["chkfail"]; ok {
		if k := e.checks.of(s); k != nil {
			k.mu.Lock()
			k.failed = n
			k.mu.Unlock()
		}
	}
}

// history is how often something was down before, and when it changed for the last time;
// the zero time: that is not known.
func history(s stats.Saved) (downs uint64, since time.Time) {
	if n, ok := s["lastchg"]; ok {
		since = time.Now().Add(-time.Duration(min(n, maxAge)) * time.Second)
	}
	return s["chkdown"], since
}

// maxAge bounds what is believed to be the age of a state, in seconds.
const maxAge = 1 << 32
