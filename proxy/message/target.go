package message

import "bytes"

var none = span{-1, -1}

// splitTarget works out the form of a target and where its parts are.
func splitTarget(b []byte, m Method) (form TargetForm, auth, path, query span) {
	auth, path, query = none, none, none
	n := int32(len(b))
	switch {
	case n == 0:
		return OriginForm, auth, path, query
	case b[0] == '/':
		form = OriginForm
		path = span{0, n}
	case m == MethodConnect:
		return AuthorityForm, span{0, n}, path, query
	case b[0] == '*' && n == 1:
		return AsteriskForm, auth, span{0, 1}, query
	default:
		form = AbsoluteForm
		i := int32(bytes.Index(b, schemeEnd))
		if i < 0 {
			return form, auth, path, query
		}
		i += int32(len(schemeEnd))
		end := n
		if j := bytes.IndexAny(b[i:], "/?"); j >= 0 {
			end = i + int32(j)
		}
		auth = span{i, end}
		path = span{end, n}
	}
	if j := bytes.IndexByte(b[path.start:], '?'); j >= 0 {
		q := path.start + int32(j)
		query = span{q + 1, n}
		path.end = q
	}
	return form, auth, path, query
}

var schemeEnd = []byte("://")
