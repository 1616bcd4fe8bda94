package spec

import (
	"time"

	"bench/proxy/acl"
)

// StatsPage is the statistics page of a proxy (configuration manual, "stats enable" and
// its siblings).
type StatsPage struct {
	// URI is what targets of requests for the page begin with.
	URI   string
	Realm string
	// Refresh is how often browsers are to ask again; 0: never.
	Refresh time.Duration
	// Scope are the names of the proxies to be shown, "." for the one that the page
	// belongs to; nil: all.
	Scope []string
	// Accounts may see the page; nil: everybody may.
	Accounts []Account
	// Access are rules about who may see the page, instead of Accounts; the first one
	// that applies counts.
	Access []StatsAccess
	// Admin are conditions of which one must hold for changes.
	Admin       []*acl.Cond
	HideVersion bool
	// ShowNode: the name of the node is shown, Node or if that is empty the engine's.
	ShowNode bool
	Node     string
	// Description is shown if it is not empty.
	Description string
	ShowLegends bool // ids, addresses, cookies
	ShowModules bool // counters of protocols
}

// Account is a name with its password.
type Account struct{ Name, Password string }

// StatsAccess is a rule about who may see a statistics page.
type StatsAccess struct {
	Action StatsAction
	Realm  string    // for StatsAuth
	Cond   *acl.Cond // nil: always
}

// StatsAction is what such a rule does.
type StatsAction uint8

// Actions ("stats http-request").
const (
	StatsAllow StatsAction = iota
	StatsDeny
	StatsAuth // ask for a name and a password
)
