package config

import (
	"slices"
	"strings"
	"time"
)

// scope is the set of sections that a keyword belongs to.
type scope uint32

const (
	inGlobal scope = 1 << iota
	inDefaults
	inFrontend
	inBackend
	inListen
	inUserlist
	inHTTPErrors
	inMailers
	inPeers
	inProgram
	inRing
	inCache
	inLogForward
	inNamespaces

	inFront = inFrontend | inListen
	inBack  = inBackend | inListen
	inAny   = inDefaults | inFrontend | inBackend | inListen
)

// keyword is one row of the language: how it is written, where, what reads it.
type keyword struct {
	name  string // one word or several: "maxconn", "timeout client"
	args  string // syntax of the arguments, for messages and the manual
	scope scope
	no    bool // "no" and "default" may stand before it
	// strict makes the keyword in a section of the wrong kind an error; without
	// it the line is ignored with a warning.
	strict bool
	// read takes the arguments. It reports through the line; the section it
	// fills is line.sect.
	read func(*line)
	// inert says, for a keyword that is accepted, what the engine does instead
	// of honouring it; its use is a warning.
	inert string
	// note says what the engine does a little differently, where that is nothing to be
	// warned about; its use is a notice.
	note string
	// same: what the keyword asks for is what the engine does anyway, so that it
	// changes nothing and there is nothing to warn about.
	same bool
	// named: the last word of the name ends with a name in parentheses.
	named bool
	doc   string // one sentence for the manual
}

// inertly makes a keyword that is checked, and accepted without effect.
func inertly(name, args, doc, why string, check func(*line, word)) keyword {
	return keyword{name: name, args: args, scope: inGlobal, inert: why, doc: doc, read: func(l *line) {
		if w, ok := l.one(args); ok {
			check(l, w)
		}
	}}
}

// someInteger checks a number within bounds.
func someInteger(least, most int64) func(*line, word) {
	return func(l *line, w word) { l.integer(w, least, most) }
}

// someTime checks a time.
func someTime(l *line, w word) { l.duration(w, time.Millisecond) }

// words is the number of words in the name.
func (k *keyword) words() int { return strings.Count(k.name, " ") + 1 }

// keywords gathers the rows of all families, in the order of the manual.
func keywords() []keyword {
	return slices.Concat(
		globalKeywords(),
		environmentKeywords(),
		variableKeywords(),
		scriptKeywords(),
		httpClientKeywords(),
		tuneKeywords(),
		tlsGlobalKeywords(),
		http2Keywords(),
		acceptedGlobalKeywords(),
		statsKeywords(),
		statsPageKeywords(),
		logKeywords(),
		proxyKeywords(),
		bindKeywords(),
		timeoutKeywords(),
		optionKeywords(),
		httpKeywords(),
		errorKeywords(),
		aclKeywords(),
		ruleKeywords(),
		balanceKeywords(),
		persistenceKeywords(),
		serverKeywords(),
		dispatchKeywords(),
		serverStateKeywords(),
		counterFileKeywords(),
		checkKeywords(),
		checkVariableKeywords(),
		protocolCheckKeywords(),
		tableKeywords(),
		retiredKeywords(),
		acceptedProxyKeywords(),
		tcpKeepAliveKeywords(),
		identityKeywords(),
		headerNameKeywords(),
		fileKeywords(),
		filterKeywords(),
		mailKeywords(),
		otherSectionKeywords(),
	)
}

// vocabulary finds rows by name.
type vocabulary struct {
	rows  []keyword
	index map[string][]int // name to rows: the same name may serve several sections
	heads map[string]bool  // first words of names of several words
}

func newTable(rows []keyword) *vocabulary {
	t := &vocabulary{rows: rows, index: map[string][]int{}, heads: map[string]bool{}}
	for i := range rows {
		t.index[rows[i].name] = append(t.index[rows[i].name], i)
		if head, _, several := strings.Cut(rows[i].name, " "); several {
			t.heads[head] = true
		}
	}
	return t
}

// find returns the row with the longest name that the words begin with,
// preferring one for the section at hand.
func (t *vocabulary) find(words []word, sc scope) *keyword {
	for n := min(len(words), 3); n > 0; n-- {
		name := joinWords(words[:n])
		rows := t.index[name]
		if short, _, named := strings.Cut(name, "("); named && len(rows) == 0 {
			rows = slices.DeleteFunc(slices.Clone(t.index[short]), func(r int) bool { return !t.rows[r].named })
		}
		if len(rows) == 0 || t.rows[rows[0]].words() != n { // a quoted blank makes no two words
			continue
		}
		for _, r := range rows {
			if t.rows[r].scope&sc != 0 {
				return &t.rows[r]
			}
		}
		if sc&inAny != 0 {
			for _, r := range rows {
				if t.rows[r].scope&inAny != 0 {
					return &t.rows[r]
				}
			}
		}
	}
	return nil
}

// names of the rows that sc allows.
func (t *vocabulary) names(sc scope) []string {
	var names []string
	for i := range t.rows {
		if t.rows[i].scope&sc != 0 {
			names = append(names, t.rows[i].name)
		}
	}
	return names
}

func joinWords(ws []word) string {
	if len(ws) == 1 {
		return ws[0].text
	}
	var b strings.Builder
	for i, w := range ws {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w.text)
	}
	return b.String()
}
