package hub

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"bench/internal/hosts/wire"
)

// gate decides who comes in and what for. Whoever has the key of hosts may only be the
// host it says it is; whoever has the key of runs only orders for the run it names.
type gate struct {
	id  *identity
	say func(string)
}

// Check implements server.Authentication.
func (g *gate) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	refuse := func(why string) bool {
		g.say(fmt.Sprintf("refused %s, which calls itself %.80q: %s", c.RemoteAddress(), o.Name, why))
		return false
	}
	if g.isJanitor(o, c.GetNonce()) {
		c.RegisterUser(&server.User{Username: o.Name, Permissions: janitorMay()})
		return true
	}
	if err := g.id.reread(); err != nil {
		g.say("the keys cannot be read again: " + err.Error())
	}
	k := g.id.known(o.Nkey)
	switch {
	case o.Nkey == "":
		return refuse("it has no token")
	case k == nil:
		return refuse("its token is not of this hub, or was renewed")
	case k.expired(time.Now()):
		return refuse("its token has expired")
	case !signed(k.public, o.Sig, c.GetNonce()):
		return refuse("it does not have the secret of its token")
	}
	p, err := permissions(k.Purpose, o.Name)
	if err != nil {
		return refuse(err.Error())
	}
	switch host, joins := strings.CutPrefix(o.Name, wire.ClientOfHost("")); {
	case !joins:
	case k.Name != "" && k.Name != host:
		return refuse(fmt.Sprintf("its token is that of host %s", k.Name))
	case k.Name == "" && g.id.reserved(host):
		return refuse(fmt.Sprintf("host %s has a token of its own", host))
	}
	c.RegisterUser(&server.User{Username: o.Name, Permissions: p, ConnectionDeadline: time.Time{}})
	return true
}

func signed(public, signature string, nonce []byte) bool {
	sig, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	pair, err := nkeys.FromPublicKey(public)
	return err == nil && len(nonce) > 0 && pair.Verify(nonce, sig) == nil
}

// permissions are what a client of a name may do by a key.
func permissions(purpose, client string) (*server.Permissions, error) {
	kind, name, _ := strings.Cut(client, "-")
	if err := wire.CheckName(name); err != nil {
		return nil, err
	}
	inbox := wire.Inbox(client) + ".>"
	switch {
	case kind == "host" && purpose == purposeJoin:
		return &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{wire.HelloOf(name), wire.Beat(name), wire.Output("*", name, ">")}},
			Subscribe: &server.SubjectPermission{Allow: []string{wire.Who, wire.AnyRunBeat, wire.AnyOrders(name), inbox}},
			Response:  &server.ResponsePermission{MaxMsgs: 1, Expires: time.Minute},
		}, nil
	case kind == "run" && purpose == purposeRun:
		publish := []string{
			wire.Who, wire.RunBeat(name), wire.Orders("*", name, ">"), wire.Todo(name, "*"), wire.Done(name, "*"), "$JS.API.INFO",
		}
		for _, stream := range []string{wire.Stream(name), wire.TodoStream(name), wire.DoneStream(name)} {
			publish = append(publish, "$JS.API.STREAM.*."+stream, "$JS.API.CONSUMER.*."+stream+".>",
				"$JS.API.CONSUMER.*.*."+stream+".>", "$JS.ACK."+stream+".>", "$JS.FC."+stream+".>")
		}
		return &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: publish},
			Subscribe: &server.SubjectPermission{Allow: []string{wire.AnyHello, wire.AnyBeat, wire.Full, inbox}},
		}, nil
	}
	return nil, fmt.Errorf("its token is for %q", purpose)
}
