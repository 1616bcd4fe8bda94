package workload

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"bench/loadgen/http1"
)

// resolveTimeout bounds the look-up of a host name.
const resolveTimeout = 5 * time.Second

// scheme is a protocol as URLs have it.
type scheme struct {
	name, protocol string
	port           string // "" must be given
	form           string
	tls            bool
	// set takes what the URL says beside the address, in which shown puts the
	// variables back; false is a URL that is not of the form.
	set func(s *Spec, u *url.URL, shown *strings.Replacer) bool
}

func schemes() []scheme {
	return []scheme{
		{"http", "http1", "80", "http://HOST[:PORT][/PATH][?QUERY]", false, (*Spec).setHTTP},
		{"https", "http1", "443", "https://HOST[:PORT][/PATH][?QUERY]", true, (*Spec).setHTTP},
		{"tcp", "tcp", "", "tcp://HOST:PORT", false, (*Spec).setTCP},
		{"tls", "tcp", "", "tls://HOST:PORT", true, (*Spec).setTCP},
		{"mysql", "mysql", "3306", "mysql://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]", false, (*Spec).setMySQL},
		{"mysqls", "mysql", "3306", "mysqls://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]", true, (*Spec).setMySQL},
		{"redis", "redis", "6379", "redis://[[USER:]PASSWORD@]HOST[:PORT][/DATABASE]", false, (*Spec).setRedis},
		{"rediss", "redis", "6379", "rediss://[[USER:]PASSWORD@]HOST[:PORT][/DATABASE]", true, (*Spec).setRedis},
	}
}

func findScheme(name string) (scheme, bool) {
	all := schemes()
	i := slices.IndexFunc(all, func(k scheme) bool { return k.name == name })
	if i < 0 {
		return scheme{}, false
	}
	return all[i], true
}

// URLProtocol is the protocol that a URL asks for, "" if it is none that is
// spoken here. A URL without a scheme is one of http.
func URLProtocol(raw string) string { return schemeOf(raw).protocol }

// URLInTLS reports whether a URL asks for connections in TLS.
func URLInTLS(raw string) bool { return schemeOf(raw).tls }

func schemeOf(raw string) scheme {
	name, _, ok := strings.Cut(raw, "://")
	if !ok {
		name = "http"
	}
	k, _ := findScheme(name)
	return k
}

// SetURL points the load at a URL: protocol, targets, and what else it says,
// which for http is the host, and the path of every request that has none. With
// a unix socket (a path, or abns@NAME) the URL does not give the address.
func (s *Spec) SetURL(ctx context.Context, raw, socket string) error {
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	hidden, shown := hideVariables(raw)
	u, err := url.Parse(hidden)
	if err != nil {
		return fmt.Errorf("invalid URL: %w", err)
	}
	k, ok := findScheme(u.Scheme)
	if !ok {
		var names []string
		for _, k := range schemes() {
			names = append(names, k.name)
		}
		return fmt.Errorf("URL %q: the scheme %s is not supported; use %s", raw, u.Scheme, strings.Join(names, ", "))
	}
	s.Protocol = k.protocol
	port := u.Port()
	if port == "" {
		port = k.port
	}
	if u.Hostname() == "" || u.Fragment != "" || !k.set(s, u, shown) || port == "" {
		return fmt.Errorf("URL %q: want %s", raw, k.form)
	}
	if k.tls {
		s.secure(u)
	}
	s.Title = shown.Replace(u.Redacted())
	if socket != "" {
		s.Targets = []string{socket}
		return nil
	}
	if s.Targets, err = resolve(ctx, net.DefaultResolver, u.Hostname(), port); err != nil {
		return err
	}
	s.OneName = len(s.Targets) > 1
	if _, err := netip.ParseAddr(u.Hostname()); err != nil {
		s.Title += " at " + strings.Join(s.Targets, ", ") // failures are those of these addresses
	}
	return nil
}

// hideVariables puts names that a URL may hold in place of the variables in its path
// and query, whose braces and spaces would be escaped. shown undoes it.
func hideVariables(raw string) (hidden string, shown *strings.Replacer) {
	authority := strings.Index(raw, "://") + len("://")
	path := strings.IndexAny(raw[authority:], "/?")
	if path < 0 {
		return raw, strings.NewReplacer()
	}
	hidden, rest := raw[:authority+path], raw[authority+path:]
	var names []string
	for {
		before, after, ok := strings.Cut(rest, "{{")
		hidden += before
		if !ok {
			return hidden, strings.NewReplacer(names...)
		}
		variable := "{{" // without an end it is found wanting as part of the path
		if inner, behind, closed := strings.Cut(after, "}}"); closed {
			variable, after = "{{"+inner+"}}", behind
		}
		name := fmt.Sprintf("~variable-%d~", len(names)/2)
		names = append(names, name, variable)
		hidden, rest = hidden+name, after
	}
}

// secure keeps what is said about TLS already.
func (s *Spec) secure(u *url.URL) {
	if s.TLS == nil {
		s.TLS = &TLS{}
	}
	if _, err := netip.ParseAddr(u.Hostname()); s.TLS.Name == "" && err != nil {
		s.TLS.Name = u.Hostname()
	}
}

func (s *Spec) setHTTP(u *url.URL, shown *strings.Replacer) bool {
	if u.User != nil {
		return false
	}
	if len(s.HTTP.Requests) == 0 {
		s.HTTP.Requests = []http1.Request{{}}
	}
	for i := range s.HTTP.Requests {
		if r := &s.HTTP.Requests[i]; r.Path == "" {
			r.Path = shown.Replace(u.RequestURI())
		}
	}
	if s.HTTP.Host == "" {
		s.HTTP.Host = withoutZone(u.Host)
	}
	return true
}

func (*Spec) setTCP(u *url.URL, _ *strings.Replacer) bool {
	return u.User == nil && u.RawQuery == "" && (u.Path == "" || u.Path == "/")
}

func (s *Spec) setMySQL(u *url.URL, _ *strings.Replacer) bool {
	if u.User != nil {
		s.MySQL.User = u.User.Username()
		s.MySQL.Password, _ = u.User.Password()
	}
	s.MySQL.Database = strings.Trim(u.Path, "/")
	return u.RawQuery == ""
}

// setRedis reads the URL of a Redis server. A user without a password is, as
// redis-cli reads it, the password.
func (s *Spec) setRedis(u *url.URL, _ *strings.Replacer) bool {
	if u.User != nil {
		password, both := u.User.Password()
		if both {
			s.Redis.User, s.Redis.Password = u.User.Username(), password
		} else {
			s.Redis.Password = u.User.Username()
			u.User = url.User("xxxxx")
		}
	}
	if path := strings.Trim(u.Path, "/"); path != "" {
		n, err := strconv.Atoi(path)
		if err != nil {
			return false
		}
		s.Redis.Database = n
	}
	return u.RawQuery == ""
}

// withoutZone drops the zone of an IPv6 address, which means something on this host
// only and must not be sent (RFC 6874 section 4).
func withoutZone(host string) string {
	address, rest, ok := strings.Cut(host, "%")
	if !ok || !strings.HasPrefix(host, "[") {
		return host
	}
	_, port, _ := strings.Cut(rest, "]")
	return address + "]" + port
}

// tryTimeout bounds the attempt at each address of a name that has several.
const tryTimeout = time.Second

// resolver finds the addresses of names.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// resolve finds the addresses of a host and a port, those of IPv4 before the others. Of
// several the first that takes a connection comes first, and those after it follow.
func resolve(ctx context.Context, names resolver, host, port string) ([]string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []string{net.JoinHostPort(ip.Unmap().String(), port)}, nil
	}
	look, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	ips, err := names.LookupNetIP(look, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("cannot find host %q: %w", host, err)
	}
	return inOrder(ctx, ips, port), nil
}

// inOrder lists the addresses of a name, from the first on that takes a connection.
func inOrder(ctx context.Context, ips []netip.Addr, port string) []string {
	var all []string
	for _, ip := range ips {
		if ip = ip.Unmap(); ip.Is4() {
			all = append(all, net.JoinHostPort(ip.String(), port))
		}
	}
	for _, ip := range ips {
		if ip = ip.Unmap(); !ip.Is4() {
			all = append(all, net.JoinHostPort(ip.String(), port))
		}
	}
	if len(all) == 1 {
		return all
	}
	dialer := net.Dialer{Timeout: tryTimeout}
	for i, address := range all {
		if c, err := dialer.DialContext(ctx, "tcp", address); err == nil {
			_ = c.Close()
			return slices.Concat(all[i:], all[:i])
		}
	}
	return all
}
