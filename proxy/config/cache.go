package config

import (
	"fmt"
	"maps"
	"slices"

	"bench/internal/nearest"
	"bench/proxy/spec"
)

// What a cache does where its section is silent (configuration manual, section 6.2).
const (
	defaultCacheAge       = 60
	defaultCacheSecondary = 10
	// objectShare is which part of a cache one response may take.
	objectShare = 256
)

// cacheKeywords are those of "cache" sections.
func cacheKeywords() []keyword {
	number := func(name, args, doc string, least, most int64, field func(*spec.Cache) *int) keyword {
		return keyword{name: name, args: args, scope: inCache, doc: doc, read: func(l *line) {
			if w, ok := l.one("a number"); ok {
				if n, ok := l.integer(w, least, most); ok {
					*field(l.p.others.cache) = n
				}
			}
		}}
	}
	return []keyword{
		number("total-max-size", "<megabytes>", "Size of the cache.", 1, 4095, func(c *spec.Cache) *int { return &c.Total }),
		number("max-object-size", "<bytes>", "What one response may take, with its head: up to half of the cache, by default 1/256.", 1, 1<<31-1, func(c *spec.Cache) *int { return &c.Object }),
		number("max-age", "<seconds>", "How long responses are kept at most, and how long those that say nothing: 60 by default.", 1, 1<<31-1, func(c *spec.Cache) *int { return &c.MaxAge }),
		{name: "process-vary", args: "{ on | off }", scope: inCache, doc: "Keep responses that depend on Accept-Encoding or Referer, for requests with the same ones.", read: func(l *line) {
			if w, ok := l.one("'on' or 'off'"); ok {
				if w.text != "on" && w.text != "off" {
					l.fail(w, "'%s' expects 'on' or 'off', not '%s'", l.kw.name, w.text)
				}
				l.p.others.cache.Vary = w.text == "on"
			}
		}},
		number("max-secondary-entries", "<number>", "Responses for one address with different fields: 10 by default.", 1, 1<<31-1, func(c *spec.Cache) *int { return &c.Secondary }),
		{name: "filter cache", args: "<name>", scope: inFront | inBack, same: true, doc: "Where among the filters to keep responses: always before they are encoded.", read: func(l *line) {
			if w, ok := l.one("the name of a 'cache' section"); ok {
				l.useCache(w.text, func(int) {})
			}
		}},
	}
}

func (p *parser) beginCache(l *line, name word) {
	for _, c := range p.others.caches {
		if c.Name == name.text {
			l.twice(name, c.Pos)
		}
	}
	p.others.cache = &spec.Cache{Pos: l.pos, Name: name.text, MaxAge: defaultCacheAge, Secondary: defaultCacheSecondary}
	p.others.caches = append(p.others.caches, p.others.cache)
}

// sectionUse is a line that names a section, which need not be known yet: a cache or name
// servers.
type sectionUse struct {
	from reference
	set  func(index int)
}

// useCache notes a line that names a cache.
func (l *line) useCache(name string, set func(int)) {
	l.p.cacheUses = append(l.p.cacheUses, sectionUse{reference{name, l.pos, l.text}, set})
}

// resolveCaches finds the caches that lines name, and works out their sizes.
func (p *parser) resolveCaches() []*spec.Cache {
	const megabyte = 1 << 20
	for _, c := range p.others.caches {
		c.Total *= megabyte
		fault := ""
		switch {
		case c.Total == 0:
			fault = fmt.Sprintf("'cache %s' needs 'total-max-size'", c.Name)
		case c.Object > c.Total/2:
			fault = fmt.Sprintf("'max-object-size' of 'cache %s' is more than half of its size, which is %d", c.Name, c.Total/2)
		case c.Object == 0:
			c.Object = c.Total / objectShare
		}
		if fault != "" {
			p.report(Diagnostic{Severity: Alert, Pos: c.Pos, Msg: fault})
		}
	}
	for _, u := range p.cacheUses {
		i := slices.IndexFunc(p.others.caches, func(c *spec.Cache) bool { return c.Name == u.from.name })
		if i < 0 {
			names := map[string]bool{}
			for _, c := range p.others.caches {
				names[c.Name] = true
			}
			p.report(Diagnostic{Severity: Alert, Pos: u.from.pos, Word: u.from.name, Source: u.from.text, Msg: fmt.Sprintf("there is no section 'cache %s'", u.from.name), Suggestion: nearest.Word(u.from.name, slices.Sorted(maps.Keys(names)))})
			continue
		}
		u.set(i)
	}
	return p.others.caches
}
