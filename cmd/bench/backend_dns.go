package main

import (
	"bench/backends/dnsorigin"
)

// backendDNSCmd runs mock name servers in one process.
type backendDNSCmd struct {
	originFlags

	Record []string `placeholder:"RECORD" sep:"none" help:"Record, as in a zone file; give one for each."`
}

// Help explains records and faults.
func (*backendDNSCmd) Help() string {
	return `
Answers questions out of its records, over UDP and TCP on the same port. Their time to
live is a second where they do not say another one. Who asks for SRV gets the addresses
of the servers along with them. For example:

  bench backend dns --listen 127.0.0.1:5300 --record '_http._tcp.test SRV 0 1 8080 web.test' \
    --record 'web.test A 127.0.0.1'
` + faultsHelp(`  error (status, rate)           answer with this code, 2 (SERVFAIL) if none is given
  records (records)              answer out of these instead, one a line
Over UDP, stall, refuse and reset let questions go without an answer, and truncate asks
the client to come by TCP.

Questions are counted in class "-".
`)
}

// Run serves until a signal, or the end of the parent.
func (c *backendDNSCmd) Run(std *streams) error {
	o := dnsorigin.Options{Idle: c.IdleTimeout, Backlog: c.Backlog}
	var err error
	if o.Latency, err = c.latency(); err != nil {
		return usage(err)
	}
	for _, r := range c.Record {
		o.Records += r + "\n"
	}
	kind, err := dnsorigin.NewConfig(o)
	if err != nil {
		return usage(err)
	}
	return c.serve(std, kind)
}
