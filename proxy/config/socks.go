package config

// socksOptions are the options of servers that are connected to by a SOCKS4 proxy
// (configuration manual, section 5.2).
func socksOptions(row func(place, serverOption) serverOption) []serverOption {
	return []serverOption{
		row(inDefault, serverOption{name: "socks4", args: 1, doc: "Connect by the SOCKS4 proxy at this address. Only servers with addresses of IPv4 can be reached by one.", read: func(l *line, x *serverTemplate, w word) {
			a, err := l.resolveAddress(w.text)
			switch {
			case err != nil:
				l.fail(w, "'socks4': %v", err)
			case a.IsUnix() || a.AddrPort().Port() == 0:
				l.fail(w, "'socks4' expects an address with a port, not '%s'", w.text)
			default:
				x.Socks = &a
			}
		}}),
		row(everyplace, serverOption{name: "check-via-socks4", doc: "Check by the SOCKS4 proxy as well.", read: func(_ *line, x *serverTemplate, _ word) { x.CheckBySocks = true }}),
	}
}
