package page

import (
	"embed"
	"html/template"
	"strings"

	"bench/reports/words"
)

// section is one part of a cell's page. Its template is sections/NAME.tmpl.
type section struct {
	name string
	view func(*cellBuilder) any // what the template prints; nil: there is nothing to say
}

// sections are the parts of a cell, in order.
func sections() []section {
	return []section{
		{"timeline", (*cellBuilder).timeline},
		{"events", (*cellBuilder).events},
		{"abuse", (*cellBuilder).abuse},
		{"distribution", (*cellBuilder).distribution},
		{"handshakes", (*cellBuilder).handshakes},
		{"upstreams", (*cellBuilder).upstreams},
		{"resources", (*cellBuilder).usage},
		{"hosts", (*cellBuilder).hosts},
	}
}

// drawn is a section of one cell.
type drawn struct {
	name string
	of   any
}

//go:embed sections
var sectionSources embed.FS

// parse reads the page's template with those of its sections.
func parse() (*template.Template, error) {
	t := template.New("page")
	t.Funcs(template.FuncMap{
		"section": func(d drawn) (template.HTML, error) {
			var out strings.Builder
			err := t.ExecuteTemplate(&out, d.name+".tmpl", d.of)
			return template.HTML(out.String()), err // escaped where it was made
		},
	})
	if _, err := t.Parse(pageSource); err != nil {
		return nil, err
	}
	return t.ParseFS(sectionSources, "sections/*.tmpl")
}

// recorded reports that there are requests to draw.
func (b *cellBuilder) recorded() bool { return b.main != nil }

// timeline draws the run over time.
func (b *cellBuilder) timeline() any {
	v := struct {
		ID, Note, Raw          string
		Ribbon                 ribbon
		Latency, Rates, Errors *plot
	}{ID: b.id, Raw: b.rawData(), Ribbon: b.ribbon()}
	if b.recorded() {
		v.Latency, v.Rates, v.Errors = b.main, b.rates(), b.errors()
	} else {
		v.Note = "No timeline: no request was recorded, so there is nothing to draw."
	}
	return v
}

// events lists the events with what came of them.
func (b *cellBuilder) events() any {
	groups := b.eventGroups()
	if len(groups) == 0 {
		return nil
	}
	return struct {
		Groups      []eventGroup
		Attribution string
	}{groups, b.attribution()}
}

// upstreams draws the states of the proxy's servers.
func (b *cellBuilder) upstreams() any {
	if !b.recorded() {
		return nil
	}
	all, text := b.lanes()
	if len(all) == 0 {
		return nil
	}
	return struct {
		Lanes []lane
		Ticks []tick
		Table *table
	}{all, b.axis.ticks(b.ZeroUs), text}
}

// usage draws what the processes used.
func (b *cellBuilder) usage() any {
	if !b.recorded() {
		return nil
	}
	plots, text := b.resources()
	if len(plots) == 0 {
		return nil
	}
	return struct {
		Plots []*plot
		Table *table
	}{plots, text}
}

// hosts lists the other machines of the run.
func (b *cellBuilder) hosts() any {
	if len(b.Hosts) == 0 {
		return nil
	}
	return &table{Head: words.HostsHead(), Rows: words.HostsRows(b.Hosts)}
}

// handshakes lists what those of TLS came to.
func (b *cellBuilder) handshakes() any {
	rows := words.HandshakesRows(b.Loads)
	if len(rows) == 0 {
		return nil
	}
	return &table{Head: words.HandshakesHead(), Rows: rows}
}

// abuse is what became of clients that misbehave.
func (b *cellBuilder) abuse() any {
	if len(b.Abuse) == 0 {
		return nil
	}
	return &table{Head: words.AbuseHead(), Rows: words.AbuseRows(b.Abuse)}
}
