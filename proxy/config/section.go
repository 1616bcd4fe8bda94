package config

import (
	"maps"
	"slices"
	"strings"
	"time"

	"bench/internal/sock"
	"bench/proxy/acl"
	"bench/proxy/logformat"
	"bench/proxy/rule"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/table"
)

// section is a proxy or defaults section as far as it has been read.
type section struct {
	pos   spec.Pos
	word  word
	text  string // of the section line
	kind  scope
	name  string
	index int
	// disabled and what follows belong to the section alone; settings pass from
	// defaults to the proxies after them.
	id       opt[int]
	guid     opt[string]
	binds    []*spec.Bind
	servers  []*serverDraft
	byName   map[string]*serverDraft
	settings settings

	acls        map[string]*acl.ACL
	switching   []switchDraft
	rules       [rule.NumPlaces][]*rule.Rule
	redirects   []*rule.Rule
	monitorFail []*acl.Cond
	persist     []spec.PersistRule
	useServer   []serverRuleDraft
	inspect     opt[time.Duration]
	// inspectAnswer is the same for what servers send.
	inspectAnswer opt[time.Duration]
	reqCaptures   []spec.Capture
	resCaptures   []spec.Capture
	// cookieCapture is the cookie that is kept for the log; nil: none.
	cookieCapture *spec.CookieCapture
	ownPage       bool // settings.page is not that of the defaults any more
	description   string
	table         *table.Spec // nil: it has none
	tablePos      spec.Pos
	sticking      []spec.Stick
	http          *needsHTTP // nil: nothing does
	httpRules     spec.Pos   // of the first rule about requests or responses
}

// settings is what a defaults section can give to others.
type settings struct {
	mode        opt[spec.Mode]
	disabled    bool
	timeouts    [numTimeouts]opt[time.Duration]
	options     map[string]opt[bool]
	connMode    opt[spec.ConnMode]
	logs        []logDraft
	logTag      opt[string]
	logFormat   opt[spec.LogFormat]
	logLine     *logformat.Format // for spec.LogCustom
	logData     opt[*logformat.Format]
	errorLog    opt[*logformat.Format]
	errors      []errorDraft
	monitorURI  opt[string]
	nameHeader  opt[string]
	maxConn     opt[int]
	backlog     opt[int]
	defaultBack opt[reference]
	forwardFor  opt[spec.ForwardFor]
	balance     opt[balanceDraft]
	hashType    opt[hashType]
	hashFactor  opt[int]
	cookie      opt[*spec.Cookie]
	dynamicKey  opt[string]
	persistRDP  opt[*sample.Expr]
	retries     opt[int]
	retry       opt[spec.RetryOn]
	redispatch  opt[int]
	dispatch    opt[sock.Addr]
	reuse       opt[spec.Reuse]
	fullConn    opt[int]
	check       checkDraft
	mail        mailDraft
	source      opt[spec.Source]
	cliProbes   opt[spec.KeepAliveProbes]
	srvProbes   opt[spec.KeepAliveProbes]
	restrict    opt[spec.NamePolicy]
	originalTo  opt[spec.OriginalTo]
	sessRate    opt[int]
	uniqueID    opt[*logformat.Format]

	uniqueIDHeader opt[string]
	compression    *spec.Compression // nil: nothing is said about it

	stateFrom opt[string] // one of stateOrigins
	stateFile opt[string] // "": the name of the backend

	page *statsDraft // nil: none

	server serverTemplate // default-server
}

// reference is a proxy named before it may be known.
type reference struct {
	name string
	pos  spec.Pos
	text string
}

// newSettings are those of a section that nothing was said about.
func newSettings() *settings { return &settings{server: newServerTemplate()} }

// clone copies the settings so that a section can add to them.
func (s *settings) clone() settings {
	c := *s
	c.options = maps.Clone(s.options)
	if c.options == nil {
		c.options = map[string]opt[bool]{}
	}
	c.logs = slices.Clone(s.logs)
	c.errors = slices.Clip(s.errors)
	c.check = s.check.clone()
	return c
}

func (s *section) caps() spec.Caps {
	var c spec.Caps
	if s.kind&inFront != 0 {
		c |= spec.Frontend
	}
	if s.kind&inBack != 0 {
		c |= spec.Backend
	}
	return c
}

// invalidNameByte is the first byte that a proxy or server name may not have,
// as a string, "" if there is none.
func invalidNameByte(name string) string {
	i := strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.:", r)
	})
	if i < 0 {
		return ""
	}
	return name[i : i+1]
}
