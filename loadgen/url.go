package loadgen

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// resolveTimeout bounds the look-up of a host name.
const resolveTimeout = 5 * time.Second

// SetURL points the load at an http URL: targets, host, and the path of every
// request that has none. With a unix socket (a path, or abns@NAME) the URL only
// gives host and path.
func (s *Spec) SetURL(ctx context.Context, raw, socket string) error {
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Errorf("invalid URL: %w", err)
	}
	if u.Scheme != "http" {
		return fmt.Errorf("URL %q: %s is not spoken here; want http", raw, u.Scheme)
	}
	if u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("URL %q: want http://HOST[:PORT][/PATH][?QUERY]", raw)
	}
	if len(s.HTTP.Requests) == 0 {
		s.HTTP.Requests = []Request{{}}
	}
	for i := range s.HTTP.Requests {
		if r := &s.HTTP.Requests[i]; r.Path == "" {
			r.Path = u.RequestURI()
		}
	}
	if s.HTTP.Host == "" {
		s.HTTP.Host = u.Host
	}
	s.Title = u.String()
	if socket != "" {
		s.Targets = []string{socket}
		return nil
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	ip, err := resolve(ctx, u.Hostname())
	if err != nil {
		return err
	}
	s.Targets = []string{net.JoinHostPort(ip.String(), port)}
	return nil
}

// resolve finds the address of a host, an IPv4 one if there is any.
func resolve(ctx context.Context, host string) (netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("cannot find host %q: %w", host, err)
	}
	for _, ip := range ips {
		if ip.Unmap().Is4() {
			return ip.Unmap(), nil
		}
	}
	return ips[0], nil
}
