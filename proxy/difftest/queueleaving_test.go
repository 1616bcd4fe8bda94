package difftest

import (
	"fmt"
	"strings"
)

// queueLeaving: clients that leave while they wait for a slot of a server.
func queueLeaving() []exchange {
	const (
		half   = "POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabcde"
		cookie = "Cookie: SRV=s1\r\n\r\n"
	)
	options := []string{"no option abortonclose", "option abortonclose"}
	var all []exchange
	for _, option := range options {
		for _, then := range []struct {
			name string
			step step
		}{{"closes", closeNow()}, {"half-closes", shut()}, {"resets", reset()}} {
			for _, request := range []struct{ name, text string }{{"a request", get}, {"a body", half + "fghij"}, {"half a body", half}} {
				for _, of := range []string{"backend", "server"} {
					e := exchange{
						name:     fmt.Sprintf("client with %s in the queue of a %s %s (%s)", request.name, of, then.name, option),
						defaults: option, backend: "cookie SRV", server: " cookie s1 maxconn 1",
						others: [][]step{{send(other), await("ok"), closeNow()}},
						origin: origins([]step{await("\r\n\r\n"), pause(ms(350)), send(ok), loop()}),
						quiet:  ms(700), logs: 2, onlyAtOnce: timed,
					}
					text := request.text
					if of == "server" {
						text = strings.Replace(text, "\r\n\r\n", "\r\n"+cookie, 1)
					}
					e.client = []step{send(text), pause(ms(80)), then.step}
					if then.name == "resets" && request.name != "half a body" && option == options[0] {
						e.why = "nobody is left to answer, so that no slot is taken for it"
						queue := map[string]string{"backend": "be/<NOSRV> no-Tc no-Tr status=-1 flags=CQ-- retries=0 queue=0/1", "server": "be/s1 no-Tc no-Tr status=-1 flags=CQ-- retries=0 queue=1/0"}[of]
						line, _, _ := strings.Cut(text, "\r\n")
						e.differs = outcome{
							origin: "connection 1\nGET /other HTTP/1.1\n  host: a\n",
							logs:   "fe " + queue + " \"" + line + "\"\nfe be/s1 status=200 flags=---- retries=0 \"GET /other HTTP/1.1\"",
						}
					}
					all = append(all, e)
				}
			}
			e := exchange{
				name: fmt.Sprintf("tcp, client in the queue %s (%s)", then.name, option), tcp: true,
				defaults: option, server: " maxconn 1",
				others: [][]step{{send("ping"), await("pong"), closeNow()}},
				client: []step{send("ping"), pause(ms(80)), then.step},
				origin: origins([]step{await("ping"), pause(ms(350)), send("pong"), await("never")}),
				quiet:  ms(700), logs: 2, onlyAtOnce: timed,
			}
			if then.name == "half-closes" && option == options[1] {
				e.why = "what a client sends is not read before there is a server for it"
				e.differs.client = "client 1\n\"pong\"\nleft\nclient 2\n\"\"\nreset\n"
			}
			all = append(all, e)
		}
	}
	return all
}
