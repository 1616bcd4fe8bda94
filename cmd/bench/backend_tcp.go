package main

import (
	"fmt"

	"bench/backends/tcporigin"
	"bench/internal/units"
)

// backendTCPCmd runs mock TCP origins in one process.
type backendTCPCmd struct {
	originFlags
	tlsFlags

	Mode  string   `default:"echo" enum:"echo,sink,source,script" help:"What it does with a connection: echo, sink, source or script."`
	Bytes string   `default:"0" help:"Bytes that mode source writes on each connection, like 10MiB; 0 is no end."`
	Step  []string `placeholder:"STEP" sep:"none" help:"Step of mode script; give one for each."`
}

// Help explains scripts and faults.
func (*backendTCPCmd) Help() string {
	return `
Mode echo answers each piece it reads with itself, sink reads everything and
sends nothing, source writes --bytes and closes, script follows its steps:

  expect TEXT   read until TEXT has come; it is a request, and what is sent
                until the next expect its answer
  send TEXT     write TEXT
  wait 50ms     let time pass
  close         end the stream
  reset         break the connection off with a RST
  loop          go on with the first step

TEXT may have the escapes of a Go string: \r \n \t \x00 \\, and quotes around
it. An SMTP server that gives up:

  bench backend tcp --listen 127.0.0.1:2525 --mode script \
    --step 'send 220 ready\r\n' --step 'expect \r\n' --step 'wait 1s' --step reset
` + faultsHelp(`
Requests are counted in class "-": the pieces echoed, the matches of expect, the
connections of a source.
`)
}

// Run serves until a signal, or the end of the parent.
func (c *backendTCPCmd) Run(std *streams) error {
	o := tcporigin.Options{Mode: tcporigin.Mode(c.Mode), Idle: c.IdleTimeout, Backlog: c.Backlog}
	var err error
	if o.Latency, err = c.latency(); err != nil {
		return usage(err)
	}
	if o.TLS, err = c.secure(); err != nil {
		return usage(err)
	}
	if o.Bytes, err = units.ParseSize(c.Bytes); err != nil {
		return usage(fmt.Errorf("--bytes: %w", err))
	}
	if o.Script, err = tcporigin.ParseScript(c.Step); err != nil {
		return usage(fmt.Errorf("--step: %w", err))
	}
	kind, err := tcporigin.NewConfig(o)
	if err != nil {
		return usage(err)
	}
	return c.serve(std, kind)
}
