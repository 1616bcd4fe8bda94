package config

import (
	"math"
	"slices"
	"strings"

	"bench/proxy/proxyproto"
)

// proxyProtocolBind are the options of listeners about the PROXY protocol (configuration
// manual, section 5.1).
func proxyProtocolBind() []bindOption {
	return []bindOption{
		{name: "accept-proxy", doc: "Expect connections to begin with a header of the PROXY protocol, version 1 or 2, and take the addresses from it.", read: func(_ *line, b *bindDraft, _ word) { b.AcceptProxy = true }},
		{name: "accept-netscaler-cip", args: 1, doc: "Expect connections to begin with a header of NetScaler Client IP insertion with this number, and take the addresses from it.", read: func(l *line, b *bindDraft, w word) {
			if n, ok := l.value("accept-netscaler-cip", w, 1, math.MaxUint32); ok {
				b.AcceptCIP, b.Magic = true, uint32(n)
			}
		}},
	}
}

// proxyProtocolServer are the same for servers (section 5.2).
func proxyProtocolServer(row func(place, serverOption) serverOption) []serverOption {
	type s = serverTemplate
	flag := func(where place, name, doc string, set func(*s)) serverOption {
		return row(where, serverOption{name: name, doc: doc, read: func(_ *line, x *s, _ word) { set(x) }})
	}
	const header = "Begin connections with a header of the PROXY protocol, version "
	return []serverOption{
		flag(everyplace, "send-proxy", header+"1.", func(x *s) { x.Proxy.V1 = true }),
		flag(everyplace, "send-proxy-v2", header+"2.", func(x *s) { x.Proxy.V2 = true }),
		flag(everyplace, "send-proxy-v2-ssl", header+"2, with what is known of the client's TLS.", func(x *s) {
			x.Proxy.V2 = true
			x.Proxy.Options |= proxyproto.SSL
		}),
		flag(everyplace, "send-proxy-v2-ssl-cn", header+"2, with what is known of the client's TLS, and the name in its certificate.", func(x *s) {
			x.Proxy.V2 = true
			x.Proxy.Options |= proxyproto.SSL | proxyproto.CertCN
		}),
		flag(everyplace, "no-send-proxy", "Against \"send-proxy\" in default-server.", func(x *s) { x.Proxy.V1 = false }),
		flag(everyplace, "no-send-proxy-v2", "Against \"send-proxy-v2\" in default-server.", func(x *s) { x.Proxy.V2 = false }),
		flag(inDefault, "no-send-proxy-v2-ssl", "Against \"send-proxy-v2-ssl\" in default-server.", func(x *s) {
			x.Proxy.V2 = false
			x.Proxy.Options &^= proxyproto.SSL
		}),
		flag(inDefault, "no-send-proxy-v2-ssl-cn", "Against \"send-proxy-v2-ssl-cn\" in default-server.", func(x *s) {
			x.Proxy.V2 = false
			x.Proxy.Options &^= proxyproto.SSL | proxyproto.CertCN
		}),
		row(everyplace, serverOption{name: "proxy-v2-options", args: 1, doc: "What headers of version 2 say besides the addresses: " + strings.Join(proxyproto.OptionNames(), ", ") + ".", read: readProxyOptions}),
		flag(everyplace, "check-send-proxy", "Begin checks with a header of the PROXY protocol as well, where they go elsewhere than requests.", func(x *s) { x.Proxy.Checks = true }),
		flag(inDefault, "no-check-send-proxy", "Against \"check-send-proxy\" in default-server.", func(x *s) { x.Proxy.Checks = false }),
	}
}

func readProxyOptions(l *line, x *serverTemplate, w word) {
	names := proxyproto.OptionNames()
	for name := range strings.SplitSeq(w.text, ",") {
		i := slices.Index(names, name)
		if i < 0 {
			l.unknown(w, "option of 'proxy-v2-options'", names)
			return
		}
		opt := proxyproto.Options(1) << i
		if opt&(proxyproto.CertCN|proxyproto.CertKey|proxyproto.CertSig|proxyproto.SSLCipher) != 0 {
			opt |= proxyproto.SSL
		}
		x.Proxy.Options |= opt
	}
}
