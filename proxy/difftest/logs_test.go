package difftest

// logged: lines that are written early, and in layouts of one's own.
var logged = []exchange{
	{name: "logasap", frontend: "option logasap", client: []step{send(get), await("ok"), send(last)}, origin: origins(answer(ok)), logs: 2},
	{name: "logasap, answer of the proxy", frontend: lines("option logasap", "http-request return status 200"), client: sends(get), origin: origins(answer(ok))},
	{name: "logasap, no server", frontend: "option logasap", client: sends(get)},
	{name: "logasap, all timers", frontend: lines("option logasap", "log-format %ST/@%B/%U/%Tt-%Ta@/%ts"), client: sends(get), origin: origins(answer(ok))},
	{name: "logasap, tcp", tcp: true, frontend: "option logasap", client: sends("hello"), origin: origins(answer("hello to you"))},
	{name: "log-format-sd is no part of other formats", frontend: lines("log-format-sd [a\\ b=%ST]", "log-format %ST"), client: sends(get), origin: origins(answer(ok))},
}
