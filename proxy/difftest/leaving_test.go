package difftest

import (
	"fmt"
	"strings"
)

// leaving: clients that leave, break, or say nothing, before a request is complete.
func leaving() []exchange {
	var all []exchange
	for _, option := range []string{"", "option dontlognull", "option http-ignore-probes", "option dontlognull\n    option http-ignore-probes"} {
		for _, sent := range []struct{ name, text string }{{"nothing", ""}, {"an empty line", "\r\n"}, {"half a request line", "GET / HT"}} {
			for _, then := range []struct {
				name string
				step step
			}{{"closes", closeNow()}, {"half-closes", shut()}, {"resets", reset()}, {"waits", pause(ms(10))}} {
				e := exchange{
					name:     fmt.Sprintf("client sends %s and %s (%s)", sent.name, then.name, oneLine(option)),
					defaults: "timeout http-request 300ms\n    " + option,
					origin:   respond(ok), quiet: ms(700), grain: ms(300), onlyAtOnce: timed,
				}
				if sent.text != "" {
					e.client = []step{send(sent.text)}
				}
				e.client = append(e.client, pause(ms(20)), then.step)
				if sent.text == "" && option != "" {
					e.logs = -1
				}
				all = append(all, e)
			}
		}
	}
	return all
}

func oneLine(s string) string {
	if s == "" {
		return "no option"
	}
	return strings.ReplaceAll(s, "\n    ", ", ")
}
