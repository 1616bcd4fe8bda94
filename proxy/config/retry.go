package config

import (
	"slices"
	"strconv"

	"bench/proxy/spec"
)

// retryCondition is a word of "retry-on".
type retryCondition struct {
	word string
	on   spec.RetryOn
}

// retryConditions are the words of "retry-on" that say after what to try again.
func retryConditions() []retryCondition {
	rows := []retryCondition{
		{"none", 0},
		{"conn-failure", spec.RetryConnFailure},
		{"empty-response", spec.RetryEmptyResponse},
		{"junk-response", spec.RetryJunkResponse},
		{"response-timeout", spec.RetryResponseTimeout},
		{"0rtt-rejected", 0}, // nothing is sent before the end of the handshake
	}
	all := spec.RetryConnFailure | spec.RetryEmptyResponse | spec.RetryJunkResponse | spec.RetryResponseTimeout
	for i, code := range spec.RetryStatuses() {
		on := spec.RetryStatus << i
		rows = append(rows, retryCondition{strconv.Itoa(code), on})
		if slices.Contains([]int{500, 502, 503, 504}, code) {
			all |= on
		}
	}
	return append(rows, retryCondition{"all-retryable-errors", all})
}

func readRetryOn(l *line) {
	if !l.arity(1, maxWords, "conditions") {
		return
	}
	rows := retryConditions()
	var on spec.RetryOn
	for _, w := range l.args {
		i := slices.IndexFunc(rows, func(r retryCondition) bool { return r.word == w.text })
		switch {
		case i < 0:
			words := make([]string, len(rows))
			for i := range rows {
				words[i] = rows[i].word
			}
			l.unknown(w, "condition", words)
			return
		case w.text == "none" && len(l.args) > 1:
			l.fail(w, "'retry-on' cannot combine 'none' with other conditions")
			return
		}
		on |= rows[i].on
	}
	l.sect.settings.retry.put(on, l.pos)
}
