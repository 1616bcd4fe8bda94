package config

import "bench/internal/sock"

// namespaceKeywords are those of "namespace_list" sections, which have no names: the
// network namespaces that headers of the PROXY protocol may name.
func namespaceKeywords() []keyword {
	return []keyword{{name: "namespace", args: "<name>...", scope: inNamespaces, doc: "Network namespaces that headers of the PROXY protocol may name, and servers with \"namespace *\" be connected to in.", read: func(l *line) {
		if !l.arity(1, maxWords, "a name") {
			return
		}
		for _, w := range l.args {
			if bad := invalidNameByte(w.text); bad != "" {
				l.fail(w, "character '%s' is not permitted in the name '%s' of a namespace", bad, w.text)
			} else if l.p.namespaces[w.text] != nil {
				l.fail(w, "namespace '%s' is named before", w.text)
			} else {
				l.namespace(w)
			}
		}
	}}}
}

// namespace opens the network namespace of a name, once for all who name it. It is nil
// after an error.
func (l *line) namespace(w word) *sock.Namespace {
	n := l.p.namespaces[w.text]
	if n != nil {
		return n
	}
	n, err := sock.OpenNamespace(w.text)
	if err != nil {
		l.fail(w, "'%s': %v", l.kw.name, err)
		return nil
	}
	if l.p.namespaces == nil {
		l.p.namespaces = map[string]*sock.Namespace{}
	}
	l.p.namespaces[w.text] = n
	return n
}

// namespaceBind is the option of listeners.
func namespaceBind() bindOption {
	return bindOption{name: "namespace", args: 1, doc: "Network namespace to listen in.", read: func(l *line, b *bindDraft, w word) { b.Options.Namespace = l.namespace(w) }}
}

// namespaceServer is the option of servers.
func namespaceServer(row func(place, serverOption) serverOption) serverOption {
	return row(inDefault, serverOption{name: "namespace", args: 1, doc: "Network namespace of connections to the server, of checks as well; *: that of the client's connection, by the listener or by the header of the PROXY protocol that it began with.", read: func(l *line, x *serverTemplate, w word) {
		if x.ClientsNamespace = w.text == "*"; x.ClientsNamespace {
			x.Namespace = nil
			return
		}
		x.Namespace = l.namespace(w)
	}})
}
