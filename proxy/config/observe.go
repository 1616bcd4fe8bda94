package config

import (
	"math"

	"bench/proxy/spec"
)

// observeOptions let the traffic of servers count for their health (configuration manual,
// section 5.2).
func observeOptions(row func(place, serverOption) serverOption) []serverOption {
	type s = serverTemplate
	return []serverOption{
		row(everyplace, serverOption{name: "observe", args: 1, doc: "Let errors of traffic count for the health of the server: layer4, which are failures to connect, or layer7, which are bad responses, too.", read: func(l *line, x *s, w word) {
			choose(l, "observe", w, &x.Observe, []string{"layer4", "layer7"}, []spec.Observe{spec.ObserveLayer4, spec.ObserveLayer7})
		}}),
		row(everyplace, serverOption{name: "error-limit", args: 1, doc: "Errors in a row that \"on-error\" follows.", read: func(l *line, x *s, w word) {
			if n, ok := l.value("error-limit", w, 1, math.MaxInt32); ok {
				x.ErrorLimit = n
			}
		}}),
		row(everyplace, serverOption{name: "on-error", args: 1, doc: "What follows from so many errors: fastinter, the next check comes sooner; besides that fail-check, a check has failed; sudden-death, all but one have; mark-down, the server is down.", read: func(l *line, x *s, w word) {
			choose(l, "on-error", w, &x.OnError, []string{"fastinter", "fail-check", "sudden-death", "mark-down"},
				[]spec.OnError{spec.OnErrorFastInter, spec.OnErrorFailCheck, spec.OnErrorSuddenDeath, spec.OnErrorMarkDown})
		}}),
	}
}

// choose takes one of the words for one of the values.
func choose[T any](l *line, name string, w word, to *T, words []string, values []T) {
	for i := range words {
		if words[i] == w.text {
			*to = values[i]
			return
		}
	}
	l.unknown(w, "argument of '"+name+"'", words)
}
