package rule

import (
	"slices"
	"strings"

	"bench/proxy/script"
	"bench/proxy/txn"
)

// deciding are the actions that decide what becomes of a transaction.
func deciding() []Action {
	const (
		content = "[content-type <type>] [default-errorfiles | errorfile <file> | errorfiles <section> | string|lf-string|file|lf-file <content>] [hdr <name> <format>]..."
		options = "[status|deny_status <status>] " + content
	)
	return []Action{
		{Name: "accept", Places: in(Connection, Session, Content, Answer), final: true, parse: nothing, run: accept, Doc: "Let it pass, and skip the remaining rules."},
		{Name: "allow", Places: in(Request, Response, AfterResponse), final: true, parse: nothing, run: accept, Doc: "Let it pass, and skip the remaining rules."},
		{Name: "reject", Places: in(Connection, Session, Content, Answer, Request), final: true, parse: nothing, run: reject, Doc: "Close the connection without an answer."},
		{Name: "close", Places: in(Answer), final: true, parse: nothing, run: func(x *Runner, _ *Rule) txn.Verdict {
			x.out.Close = true
			return stop
		}, Doc: "Close the connection to the server once the client has what came so far."},
		{Name: "silent-drop", Places: in(Connection, Session, Content, Answer, Request, Response), final: true, parse: nothing, run: silentDrop, Doc: "End the connection without the client noticing: nothing at all is sent, or, without the privileges which that takes, a reset that no router passes on."},
		{Name: "auth", Usage: "[realm <realm>]", Places: in(Request), final: true, parse: parseAuth, run: runAuth, Doc: "Answer with 401, so that the client asks for a name and a password; the realm is that of the proxy's name by default."},
		{Name: "deny", Usage: options, Places: in(Request), final: true, parse: parseDeny(403), run: deny, Doc: "Answer the request with an error: 403 unless another status is given."},
		{Name: "deny", Usage: options, Places: in(Response), final: true, parse: parseDeny(502), run: deny, Doc: "Answer with an error instead of the response: 502 unless another status is given."},
		{Name: "tarpit", Usage: options, Places: in(Request), final: true, parse: parseDeny(500), run: tarpit, Doc: "Keep the client waiting (\"timeout tarpit\"), then answer with an error: 500 unless another status is given."},
		{Name: "return", Usage: "[status <status>] " + content, Places: in(Request, Response), final: true, parse: parseReturn, run: giveReply, Doc: "Answer with content of your own: 200 unless another status is given."},
		{Name: "redirect", Usage: "{ location <format> | prefix <format> | scheme <format> } [code <code>] [drop-query] [append-slash] [ignore-empty] [set-cookie <name>[=<value>]] [clear-cookie <name>[=]]", Places: in(Request, Response), final: true, parse: parseRedirect, run: runRedirect, Doc: "Send the client elsewhere."},
		{Name: "switch-mode", Usage: "http", Places: in(Content), final: true, parse: parseSwitchMode, run: switchMode, Doc: "Take what the client sends for HTTP from here, in a frontend in mode tcp, and skip the remaining rules."},
		{Name: "use-service", Usage: "{ prometheus-exporter | lua.<name> }", Places: in(Request), final: true, parse: parseUseService, run: useService, Doc: "Let a service answer: metrics for Prometheus, or one that a script has registered."},
		{Name: "use-service", Usage: "lua.<name>", Places: in(Content), final: true, parse: parseUseService, run: useService, Doc: "Let a service that a script has registered answer."},
		{Name: "wait-for-body", Usage: "time <time> [at-least <bytes>]", Places: in(Request, Response), parse: parseWaitForBody, run: waitForBody, Doc: "Wait until the body has come, or so much of it, or a buffer is full."},
	}
}

func accept(*Runner, *Rule) txn.Verdict { return stop }

func reject(x *Runner, _ *Rule) txn.Verdict {
	x.out.Denied = true
	return txn.Gone
}

func silentDrop(x *Runner, _ *Rule) txn.Verdict {
	x.out.Denied, x.out.Silent = true, true
	return txn.Gone
}

func parseAuth(p *Parser, r *Rule) (err error) {
	realm := p.Section
	if p.optional("realm") != "" {
		if realm, err = p.word("a realm"); err != nil {
			return err
		}
	}
	r.how = []byte(realm)
	return nil
}

func runAuth(x *Runner, r *Rule) txn.Verdict {
	x.out.Status, x.out.Challenge = 401, r.how
	return txn.Answered
}

// parseDeny reads the options of an answer that refuses.
func parseDeny(status int) func(*Parser, *Rule) error {
	return func(p *Parser, r *Rule) (err error) {
		r.reply, err = p.reply(status, true)
		return err
	}
}

func deny(x *Runner, r *Rule) txn.Verdict {
	x.out.Denied = true
	return giveReply(x, r)
}

func tarpit(x *Runner, r *Rule) txn.Verdict {
	if !x.resumed {
		x.out.Need = txn.Need{Tarpit: true}
		return txn.Wait
	}
	return deny(x, r)
}

func parseReturn(p *Parser, r *Rule) (err error) {
	r.reply, err = p.reply(200, false)
	return err
}

func giveReply(x *Runner, r *Rule) txn.Verdict {
	x.Ctx.Txn.Status = r.reply.status // which its texts may name
	return x.give(r.reply)
}

// Services are those that rules can name, but for those of scripts.
func Services() []string { return []string{"prometheus-exporter"} }

func parseUseService(p *Parser, r *Rule) error {
	w, err := p.word("the name of a service")
	if err != nil {
		return err
	}
	if name, ok := strings.CutPrefix(w, script.Prefix); ok {
		if err := p.scriptService(name); err != nil {
			return err
		}
		r.service = w
		return nil
	}
	if !slices.Contains(Services(), w) || p.Place != Request {
		return p.fail("there is no service '%s' for '%s' rules: want %s, or one of a script", w, p.Place, strings.Join(Services(), ", "))
	}
	r.service = w
	return nil
}

func useService(x *Runner, r *Rule) txn.Verdict {
	x.out.Service = r.service
	return txn.Answered
}

func parseWaitForBody(p *Parser, r *Rule) (err error) {
	for p.more() {
		switch w, _ := p.word(""); w {
		case "time":
			if r.wait, err = p.duration(); err != nil {
				return err
			}
		case "at-least":
			if r.number, err = p.size(); err != nil {
				return err
			}
		default:
			return p.fail("unknown argument '%s' of 'wait-for-body': want 'time' or 'at-least'", w)
		}
	}
	if r.wait == 0 {
		return p.fail("'wait-for-body' needs a time above 0, as 'time 1s'")
	}
	return nil
}

// wholeBody stands for as much as a buffer holds.
const wholeBody = 1 << 30

func waitForBody(x *Runner, r *Rule) txn.Verdict {
	t := x.Ctx.Txn
	least := r.number
	if least == 0 {
		least = wholeBody
	}
	if x.ended || t.BodyEnd || len(t.Body) >= least {
		return txn.Next
	}
	x.out.Need = txn.Need{Body: least, For: r.wait}
	return txn.Wait
}
