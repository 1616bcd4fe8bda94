package sample

import (
	"bytes"
	"encoding/base64"

	"bench/proxy/auth"
	"bench/proxy/message"
	"bench/proxy/txn"
)

// authFetches are about the name and password that a client has sent (configuration
// manual, section 7.3.6, "http_auth").
func authFetches() []Fetch {
	part := func(name, doc string, basic bool, of func(cred *credentials) []byte) Fetch {
		return Fetch{Row: Row{Name: name, Doc: doc}, Out: txn.Str, At: reading, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			cred, ok := c.credentials(message.Authorization, nil)
			v.SetStr(of(&cred))
			return ok && (cred.basic || !basic)
		}}
	}
	return []Fetch{
		{Row: Row{Name: "http_auth", Usage: "(<userlist>)", params: "u", Doc: "Whether name and password are right."}, Out: txn.Bool, At: reading, http: true, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			cred, ok := c.credentials(message.Authorization, nil)
			v.SetBool(ok && c.user(a, &cred) != nil)
			return ok && cred.basic
		}},
		{Row: Row{Name: "http_auth_group", Usage: "(<userlist>)", params: "u", Doc: "Name of the user, if the password is right; patterns are compared with the groups of the user."}, Out: txn.Str, At: reading, http: true, fn: fetchAuthGroup},
		part("http_auth_user", "Name that the client has sent.", true, func(cred *credentials) []byte { return cred.user }),
		part("http_auth_pass", "Password that the client has sent.", true, func(cred *credentials) []byte { return cred.password }),
		part("http_auth_type", "How the client identifies itself, such as Basic.", false, func(cred *credentials) []byte { return cred.scheme }),
		{Row: Row{Name: "http_auth_bearer", Usage: "([<field>])", params: "|h", Doc: "Token that the client has sent as Bearer, in Authorization or another field."}, Out: txn.Str, At: reading, http: true, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			id, name := message.Authorization, []byte(nil)
			if a[0].set {
				id, name = a[0].ID, a[0].Str
			}
			cred, ok := c.credentials(id, name)
			v.SetStr(cred.token)
			return a[0].set || ok && !cred.basic && len(cred.token) > 0
		}},
	}
}

// credentials are what a field of a request tells of who sent it.
type credentials struct {
	scheme, user, password, token []byte
	basic                         bool
}

// credentials reads a field (RFC 9110, section 11.4; RFC 7617; RFC 6750); false: there is
// none that is understood.
func (c *Context) credentials(id message.HeaderID, name []byte) (cred credentials, ok bool) {
	if c.Txn.Req == nil {
		c.noRequest()
		return cred, false
	}
	h := &c.Txn.Req.Header
	i := nextField(h, &Arg{ID: id, Str: name}, -1)
	if i < 0 {
		return cred, false
	}
	b := h.At(i).Value
	b = trim(b[:valueEnd(b)])
	scheme, rest, ok := bytes.Cut(b, []byte(" "))
	if !ok || len(scheme) == 0 {
		return cred, false
	}
	rest = bytes.TrimLeft(rest, " ")
	switch {
	case bytes.EqualFold(scheme, []byte("basic")):
		text := c.alloc(base64.StdEncoding.DecodedLen(len(rest)))
		if text == nil {
			return cred, false
		}
		n, err := base64.StdEncoding.Decode(text, rest)
		if err != nil {
			return cred, false
		}
		cred.basic, cred.scheme = true, []byte("Basic")
		cred.user, cred.password, ok = bytes.Cut(text[:n], []byte(":"))
		return cred, ok
	case bytes.EqualFold(scheme, []byte("bearer")):
		cred.token, cred.scheme = rest, []byte("Bearer")
		return cred, true
	}
	return cred, false
}

// user is the one of a list with that name and password, nil if there is none.
func (c *Context) user(a []Arg, cred *credentials) *auth.User {
	if !cred.basic || a[0].users == nil {
		return nil
	}
	return a[0].users.Check(cred.user, cred.password)
}

// fetchAuthGroup fetches the user's name, or where all values are asked for the groups.
func fetchAuthGroup(c *Context, a []Arg, v *txn.Value) bool {
	cred, ok := c.credentials(message.Authorization, nil)
	if !ok {
		return false
	}
	u := c.user(a, &cred)
	if u == nil {
		return false
	}
	v.SetStr(cred.user)
	if !c.every {
		return true
	}
	groups := u.Groups()
	if len(groups) == 0 {
		v.SetStr(nil)
		return true
	}
	v.Kind = txn.Str
	name := groups[c.at.off]
	c.at.off++
	c.more = c.at.off < len(groups)
	return c.keep(v, append(c.spare(), name...))
}
