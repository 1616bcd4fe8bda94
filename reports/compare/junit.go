package compare

import (
	"bytes"
	"fmt"
	"time"

	"bench/internal/result"
	"bench/reports/internal/junit"
	"bench/reports/series"
	"bench/reports/words"
)

// junit writes a case for each measure that decides: worse is a failure; unclear is an
// error, as something that could not be judged is in all reports, so that no server
// shows it as passed. The comparison as a whole is a case, too.
func (r *report) junit() ([]byte, error) {
	c := r.record
	all := junit.Suites{Name: junit.Text("compare " + c.Scenario)}
	s := junit.Suite{Name: all.Name, Time: duration(c.StartedAt, c.EndedAt), Stamp: junit.Text(c.StartedAt)}
	class := junit.Text("bench.compare." + c.Scenario)
	trusted := junit.Case{Class: class, Name: "comparison can be trusted"}
	ok, why := judged(c)
	if !ok {
		trusted.Error = &junit.Result{Message: junit.Text(words.CompareHead(c) + ": " + why), Type: junit.Text(words.CompareHead(c))}
	}
	s.Add(trusted)
	for _, m := range words.Gated(c) {
		k := junit.Case{Class: class, Name: junit.Text(words.ComparedFull(m))}
		text := words.ComparedFull(m) + ": " + words.ComparedValue(m, m.Base) + " before, " + words.ComparedValue(m, m.New) + " now, change " +
			words.Change(m) + ", interval " + words.ChangeInterval(m)
		if m.Reason != "" {
			text += " (" + series.OneLine(m.Reason) + ")"
		}
		switch {
		case words.IsWorse(m.Verdict):
			k.Failure = &junit.Result{Message: junit.Text(text), Type: junit.Text(m.Verdict)}
		case !words.Decided(m.Verdict):
			if needs := words.NeedsPairs(m); needs != "" {
				text += ", " + needs
			}
			k.Error = &junit.Result{Message: junit.Text(text), Type: junit.Text(m.Verdict)}
		}
		s.Add(k)
	}
	if s.Failures == 0 && s.Errors == 0 && c.ExitCode != 0 {
		// The verdict of the whole must show even where no case tells it.
		k := junit.Case{Class: class, Name: "verdict"}
		k.Error = &junit.Result{Message: junit.Text(words.CompareHead(c) + ": " + c.Reason), Type: result.Unclear}
		if words.IsWorse(c.Verdict) {
			k.Error, k.Failure = nil, &junit.Result{Message: k.Error.Message, Type: junit.Text(c.Verdict)}
		}
		s.Add(k)
	}
	all.Add(s)
	var out bytes.Buffer
	err := all.Write(&out)
	return join(&out, err)
}

// duration is the time between two stamps, in seconds.
func duration(from, to string) string {
	a, errA := time.Parse(time.RFC3339Nano, from)
	b, errB := time.Parse(time.RFC3339Nano, to)
	if errA != nil || errB != nil || b.Before(a) {
		return "0"
	}
	return fmt.Sprintf("%.3f", b.Sub(a).Seconds())
}
