package difftest

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/DIFFERENCES.md anew")

const documentPath = "../../docs/DIFFERENCES.md"

const documentHead = `# Where the engine differs from HAProxy 2.6 on the wire

Written by ` + "`go test ./proxy/difftest -run Document -update`" + ` from the exchanges of
proxy/difftest, in which both proxies get the same bytes, at once, byte by byte, in
random pieces and in segments of a network: everything else those exchanges look at (bytes to the client and to the server, ends of connections, log
status, flags, timers, retries, queues) agrees.

Not compared, and different: the sentences in the proxy's own replies; how a
chunked body is cut into chunks; the size of a response in the log, which is here
the number of bytes sent to the client.

| when | what is done | why |
| --- | --- | --- |
`

const documentHTTP2 = `
# Over HTTP/2

Of a client's frames, in which both proxies get the same requests and the same mistakes.
Everything else agrees: what the server gets, statuses, codes of resets and GOAWAYs.

| when | what is done | why |
| --- | --- | --- |
`

const documentTail = `
# Beside the wire

| what | here | why |
| --- | --- | --- |
| pollers | epoll, poll and select as there, and io_uring, which ` + "`-vv`" + ` lists last (pref=100), with the reason where the kernel refuses it | for comparison; epoll is chosen by itself, so nobody gets another one unasked |
| choosing a poller | besides switching off what is better (` + "`-de`, `-dp`, `noepoll`, `nopoll`" + `), ` + "`tune.poller NAME`" + ` names it; where it cannot be had, a warning says why and the best of the others is used | with ` + "`-de -dp`" + ` alone select would win over io_uring |
| switching io_uring off | ` + "`-du`" + ` on the command line, ` + "`noiouring`" + ` in the global section | in the manner of ` + "`-de`" + ` and ` + "`noepoll`" + `; both letters and word are free there |
| old spellings | ` + "`frontend NAME ADDRESS:PORT`" + ` and ` + "`nbproc 1`" + ` are accepted with a warning | configurations of older versions go on working |
| rings | the oldest lines are overwritten, also when a server has not taken them yet | there a server that does not answer keeps lines from being logged |
| numbers | what is not a number is an error, as are access rights that are not octal and tags below zero | there it counts as zero, or as far as it is a number |
| lines in sections where they do nothing | are not read any further | there mistakes in them are errors |
| samples of a kind that never becomes what a rule asks for | are refused | there the rule does nothing |
| converters behind a blank in ACLs | are patterns always | there they are both for some fetches |
| ` + "`-f` before `-m`" + ` in ACLs | files are read as ` + "`-m`" + ` says, wherever it stands | there as the sample's kind says until then |
| ` + "`stats auth`" + ` without a colon | is refused | an account without a password is hardly meant |
| ` + "`default option`" + ` | takes an option back to what it is by default | there it is refused, against the manual |
| lines of long ago | ` + "`reqrep`" + `, ` + "`clitimeout`" + ` and their like are refused with the line as it is written today | there with the name of today's keyword |
| passwords of ` + "`userlist`" + ` | hashes that begin with $1$, $2a$, $2b$, $2y$, $5$ and $6$; one that was right is known again by its digest | a thread would stop for milliseconds at each request |
| statistics page | a page of its own: what is wrong is on the first line, it has windows of 10 s and 1 min, p50 and p99 instead of means, small charts, the latest changes of state and reloads, cards on phones, and renews itself in place; targets, CSV, JSON, forms, their answers, and classes of rows are as there | that page shows what is now and what was the most ever, and means |
| statistics page: ` + "`;ext`" + ` | adds quantiles of times to the CSV, behind the columns there are | there are none there |
| statistics page: ` + "`stats refresh`" + ` | the page asks for itself again by script, or by ` + "`<meta>`" + ` without; the field ` + "`Refresh`" + ` comes with the other formats only | with the field, a browser throws away what its reader has opened and chosen |
| statistics page: forms | one that a browser says was sent from another page (` + "`Sec-Fetch-Site`, `Origin`" + `) is answered with DENY | clients that are no browsers say nothing about that, and are served as there |
| statistics page: clients of HTTP/1.0 | get a content that ends with the connection | there they get chunks, which they do not know |
| statistics page: refusals | are logged with the status that the client gets | there with 400 |
| prometheus-exporter | has histograms besides, ` + "`haproxy_backend_queue_time_seconds`" + ` and such, native ones in the form of protocol buffers, and ` + "`extra-counters` and `desc-labels`" + ` of later versions | there, times are means and the most ever |
| runtime API: ` + "`show stat domain resolvers`" + ` | JSON has commas between name servers; ` + "`clear counters all`" + ` clears numbers only | there, it cannot be read if there are several, and their names are cleared, too |
| runtime API: numbers | what is no number, or a negative limit, is refused | there it counts as 0, or is taken |
| runtime API: ` + "`set ssl ocsp-response`, `set ssl tls-key`" + ` | administrators only | there any level: whoever may read statistics could set the keys of tickets |
| runtime API: ` + "`set table`, `clear table`, `show tls-keys`" + ` | not for users | there for any level |
| runtime API: ` + "`user; show table <table>`" + ` | entries are not shown to one who has become a user | there, what the socket is for counts |
| runtime API: ` + "`add map @<ver>`" + ` to a version that has been replaced | is refused | there it becomes an entry that nobody finds |
| runtime API: ports | 0 is refused, as a port of checks and agents | there it is where nobody listens, or that of the server |
| runtime API: ` + "`set server ... fqdn`" + ` | labels of more than 63 bytes are refused; the reason of a name that was set (64) is shown at once | there from the next change of state on |
| runtime API: ` + "`show sess`" + ` | does not list connections to the runtime API itself | they are none of a proxy's |
| runtime API: ` + "`show sess`, `show threads`, `show fd`, `show activity`" + ` | have the lines and words of what there is: no flags, pointers and counters of parts that only the reference has | a word without a meaning would be read as one |
| runtime API: ` + "`trace`, `show trace`" + ` | the sources h1, h2, stream and check, with the events that there are; lines name the event | the engine has other parts; a line of the reference names a line of its source |
| runtime API: ` + "`show cache`" + ` | entries are numbered | there with addresses of memory |
| runtime API: ` + "`set var`" + ` | takes samples that are constant or variables | others want a transaction; one of them ends the reference |
| command socket of a master: ` + "`mcli-debug-mode`" + ` | is refused | a master has no proxies to look at |
| ` + "`stats-file`, `guid`, `guid-prefix`, `dump stats-file`, `wait`" + ` | are there, as in version 3.0 | they come with later versions of the reference |
| ` + "`program`" + ` sections | are run when a worker serves; without ` + "`start-on-reload`" + ` a program ends with a reload and is not run again | there before it is known whether the configuration works |
| runtime API: ` + "`show servers conn`" + ` | servers of a disabled proxy have numbers | there they have the number 0 |
| command socket of a master: ` + "`hard-reload`, `show startup-logs`" + ` | are there | they come with later versions of the reference |
| files of server states | a server that was starting slowly is up and goes down by the first failed check | there its counter of checks says that it is down |
| runtime API: ` + "`show map`, `show acl`" + ` | entries have numbers that are no addresses of memory, as ` + "`0x1f`" + ` | they serve in ` + "`#0x1f`" + ` just so |
| byte-order mark | one before a configuration is skipped | some editors write it; there it is part of the first word |
| look-alikes of blanks and quotes | one remark for the whole file names the character and the lines | pasted from a web page they are on every line |
| servers without an address or port of their own | their connections are kept for the client that they were opened for, not shared | the next client's may lead elsewhere |
| servers that learn of the client by the connection (` + "`send-proxy`, `namespace *`" + `) | their connections are kept for the client that they were opened for, and go on with requests that say the same of it | there other clients' requests with the same header get them as well |
| ` + "`default-server namespace`" + ` | holds for the servers that follow | there it is forgotten |
| headers of NetScaler Client IP insertion | may come in pieces, and must hold the headers of IP and TCP that they announce | there they must come in one piece, and what is missing is read from memory |
| ` + "`internal.htx`, `internal.htx_blk`" + ` | say how the reference would have the message in its buffers as it came; after rules have changed it they may differ from what is there | the engine has no such buffers |
| converter ` + "`debug`" + ` | is refused where nothing can be written to yet: in ` + "`set-var`" + ` of the global section, on the command line and in scripts | values are made before there are rings |
| ` + "`set server ... addr ... port ...`" + ` | no request goes to the former address any more, not even over a connection that was in use at the time or belongs to one client (` + "`http-reuse never`" + `) | there such connections are used again |
| interim responses to health checks | an interim response (1xx) is the answer, as there, and has no body, even when the next response comes in the same segment | there what comes in the same segment is its body, so that ` + "`http-check expect string`" + ` matches or not by chance |
| ` + "`add server`" + `: idle connections | a server added at run time keeps as many as any other | there it keeps none, as ` + "`pool-max-conn`" + ` and ` + "`pool-purge-delay`" + ` are 0 unless they are given, against the manual |
| ` + "`add server`" + `: host names | such a server waits in maintenance for ` + "`set server addr`" + ` | there it can never be given an address |
| ` + "`add server ... enabled`" + ` | the server gets its share of the requests at once | there it is shown as up and never gets any |
| ` + "`add server ... track`" + ` | is refused | only servers of the configuration follow others |
| ` + "`spop-check`" + ` | a frame that ends too early is no valid one | there what is missing is read from memory |
| ` + "`check-via-socks4`" + ` | an answer of the SOCKS4 proxy that is cut off ends the check at once | there the check waits for its time to pass |
| mail about servers (` + "`email-alert`" + `) | answers of mail servers are read whole, in lines and however they are cut | there an answer is taken for good at the first bytes that look so |
| samples in rules of checks | those about a client (` + "`src`, `sc_get_gpc0`" + ` and such) and variables of a transaction (` + "`txn.`" + `) are refused, as variables of checks (` + "`check.`" + `) are in other rules | they never have a value there |
| ` + "`add server`" + `: values | what is not a number is refused, and so is an option without its value | there it counts as 0 |
| regular expressions | those of Go, on bytes: no look-around, no references back, no possessive repetition, which are refused by name | every expression is matched in one pass, whatever the text is |
| fields that rules write | not ` + "`Content-Length`, `Transfer-Encoding` and `Connection`" + `, which are refused | the proxy frames messages itself |
| targets that rules write | blanks and control characters become %XX; an empty path becomes / | there they make a request that no server understands |
| methods that rules write | what is no token is answered with 500, and counts as a failed rewrite; so does a CONNECT made of another method, or the other way round | there they make a request that no server understands; a tunnel has another target |
| responses without a body where the client expects one | get a Content-Length of 0 (a GET that rules have made HEAD, a 304 whose status they have set) | there the length stays, so that the client takes the next response for the body |
| responses whose body rules withhold | the server's connection is closed if more of the body is to come | there it is read to its end |
| ` + "`tune.vars`" + ` limits | a variable without room for its text is not set | there it shows what lies in memory |
| scripts | figures of proxies (` + "`get_stats`, `core.get_info`" + `) and what changes servers are not to be had in fetches and converters; ` + "`core.register_filter`" + `, and channels are refused | the first may have to wait for other threads |
| requests of scripts (` + "`core.httpclient`" + `) | are not logged; an interim response is not taken for the response; a Content-Length has to be right | there each one has a line in the log of the process |
| ` + "`tfo`" + ` of servers | requests come with the first packet of a connection, given the ` + "`retry-on`" + ` that the manual asks for | there they do not at first attempts |
| ` + "`log-proto`" + ` of servers outside of rings | a warning | nothing is sent there that it could be about |
| sockets of scripts | a line that comes in pieces is put together | there the process ends itself |
| ` + "`option httpclose`" + ` and HTTP/2 | a connection of HTTP/2 goes on, as there; a soft stop ends it by two GOAWAYs, a second apart at most | what a client has sent before it knew is still served |
| windows of HTTP/2 | a connection takes 1 MiB ahead, a stream at least a buffer | several uploads go on at once although each is on its way for a while |
| requests that a server of HTTP/2 has not taken | are sent again elsewhere, whatever their method, as far as they are at hand and ` + "`retries`" + ` allow (GOAWAY, REFUSED_STREAM) | the server has said that it has done nothing about them |
| connections of HTTP/2 to servers | a server's window for a connection opens at once, that for a stream when the client has taken content | a slow client does not hold up others |
| GOAWAY of a client | costs none of its requests, as the stream that it names is one of the server's (RFC 9113 §6.8) | there those behind that number are reset |
| requests over HTTP/2 whose client ends its side of the connection within them | end without an answer | there with 400 |
| bounds of HTTP/2 | early resets, PING and SETTINGS frames, CONTINUATION frames, empty DATA frames and other oddities are counted, and end the connection with ENHANCE_YOUR_CALM (` + "`tune.h2.fe.glitches-threshold`" + `) | later versions of the reference have most of them |
| ` + "`log-forward`" + ` | what is almost in the form of RFC 5424 is passed on as a whole; the place of a connection is free again when it ends, and ` + "`timeout client`" + ` ends silent ones; no TLS, no PROXY protocol | there such messages lose their last bytes, and places stay taken |
| queues | first come, first served with every algorithm, and as soon as there is a slot: the limit of ` + "`minconn`" + ` has grown, a server is back or has a weight again, or a backup takes over | there a queue waits in some of these cases until a slot is given back, servers that come back take fewer or more than their slots, and with ` + "`leastconn`" + ` later requests overtake it |
| ` + "`balance roundrobin`, `static-rr`" + ` | each thread has an order of its own, and looks at a farm when it chooses: of several changes of a server between two requests it sees the last | threads share nothing; with one thread the order is that of the reference |
| TLS | that of Go's crypto/tls: no key exchange by finite fields (DHE), no order of ciphers of one's own, no choice among the suites of TLS 1.3, no early data, no sessions on the server's side. Ciphers and curves that it lacks are passed over with a notice, as OpenSSL passes over names that it does not know; a list of which nothing remains is an error | notices do not count for ` + "`zero-warning`" + ` |
| TLS 1.0 and 1.1 | work where ` + "`ssl-min-ver`" + ` allows them | there OpenSSL 3 wants ` + "`@SECLEVEL=0`" + ` for them as well |
| names with a dot at the end in hellos of TLS | the handshake is refused with decode_error, as for other damage to the list of names; a list without names of hosts counts as none | RFC 6066 §3 has names without it, and crypto/tls takes no others; there the alert for damage is unrecognized_name |
| errors of clients' certificates that are passed over | by ` + "`" + `crt-ignore-err` + "`" + ` and ` + "`" + `ca-ignore-err` + "`" + `; where nothing is wrong by OpenSSL's rules, crypto/x509 has to agree | it knows more rules about names and signatures |
| clients that offer early data | the handshake is refused with unsupported_extension, whatever tickets are for | crypto/tls takes such a client for one of another server; there the data is passed over |
| records of TLS that break its rules | alerts are those of crypto/tls; a change of ciphers behind the handshake is passed over, and so are warnings within it; padding beyond 16 KiB, empty records of the handshake, hellos of more than 64 KiB or with an extension twice, and more than 16 records in a row that bring nothing (empty ones, changes of keys, warnings) are not taken | nobody sends them |
| certificates of clients that crypto/x509 does not take: Ed448, RSA-PSS keys, negative serial numbers, policies that are there twice, signatures with SHA-1, RSA of less than 1024 bits, more than 64 KiB | the handshake is refused, whatever errors are passed over | there most of them are a matter of ` + "`@SECLEVEL`" + ` |
| connections in TLS that end within a record | count as broken: a request that is not complete gets no answer, and a response up to the end of the connection is logged as cut off (` + "`" + `SD` + "`" + `) | there as ended in order |
| clients that want to renegotiate | the connection ends with unexpected_message | there they get a warning, no_renegotiation, and it goes on; crypto/tls has no answer to it |
| samples about secrets and names of TLS | ` + "`ssl_*_session_id`, `ssl_*_unique_id` and `ssl_*_session_key`" + ` have no value in TLS 1.3, the last one none in a session that goes on either, and ` + "`ssl_fc_exporter_secret`" + ` none at all | crypto/tls does not say them |
| ` + "`ssl_fc_err`, `ssl_bc_err`" + ` and what they are called | are OpenSSL's for the usual reasons of failed handshakes, "unexpected message" for rare ones | crypto/tls has other reasons |
| life of sessions in TLS | as configured (` + "`tune.ssl.lifetime`" + `), although clients are told that it is a week | crypto/tls says so |
| ` + "`npn`" + ` | is accepted with a notice, and never agreed to | crypto/tls has ALPN only |
| certificates of clients that are revoked | the alert is bad_certificate | crypto/tls has no other one for it |
| clients with ` + "`ca-verify-file`, `no-ca-names`, `ca-ignore-err` or `crt-ignore-err`" + ` whose certificates are refused | the alert is bad_certificate | the engine judges them itself then, and crypto/tls has no other alert for that |
| ` + "`generate-certificates`" + ` | works for all clients | there connections with made certificates break off for some, those of Go among them |
| ` + "`set ssl cert`" + ` for a file while a transaction is about another one | refused | the reference puts the certificate into that transaction, and would commit it under the other file's name |
| ` + "`show ssl ca-file`, `show ssl ocsp-response ID`, `show ssl providers`" + ` | files that are referred to; what the response says, without its signature; crypto/tls | there the authorities of the system are always in memory |
| ` + "`ca-file`" + `, ` + "`crl-file`" + ` and ` + "`crt`" + ` in ` + "`add server`" + ` | files are read at that moment | there they must have been in use at the start |
`

const casesHead = `
# In the language of rules

From the cases in proxy/difftest/testdata/cases, each of which is given to both
programs: what they accept, the values of samples, whether conditions hold, what
clients and origins see of rules, and the log. A line stands for all the cases that
its alternatives make; in some of them the two differ.

| line | why |
| --- | --- |
`

// Every announced difference is in the document, and no other.
func TestDocument(t *testing.T) {
	var b strings.Builder
	b.WriteString(documentHead)
	for _, table := range tables() {
		for i := range table {
			if e := &table[i]; e.why != "" {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", e.name, e.does(), e.why)
			}
		}
	}
	b.WriteString(documentHTTP2)
	for _, m := range muxes() {
		if m.why != "" {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", m.name, m.differs, m.why)
		}
	}
	b.WriteString(documentTail)
	b.WriteString(casesHead)
	for _, f := range families(t) {
		for _, l := range f.lines {
			if l.why != "" {
				fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(l.text, "|", "\\|"), l.why)
			}
		}
	}
	if *update {
		if err := os.WriteFile(documentPath, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(documentPath)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != b.String() {
		t.Error("docs/DIFFERENCES.md is not what the exchanges announce: go test ./proxy/difftest -run Document -update")
	}
}

// does says in a few words what the engine does in an exchange where it differs.
func (e *exchange) does() string {
	switch d := &e.differs; {
	case strings.HasPrefix(d.client, "HTTP/1.1 4"), strings.HasPrefix(d.client, "HTTP/1.1 5"):
		if !strings.Contains(d.client, "own reply") {
			break
		}
		return "answered with " + d.client[len("HTTP/1.1 "):len("HTTP/1.1 ")+3]
	case d.client == "" && d.origin != "":
		return "forwarded in another form"
	case d.client == "" && d.origin == "":
		return "logged in another way"
	}
	return "answered in another form"
}
