package process

import "bench/proxy/cli"

// masterRow is one command of the master's socket.
type masterRow struct {
	cli.Command
	// session: it is about the connection, and the master's wherever commands go.
	session bool
	run     func(c *masterConn, args []string)
}

// masterCommands are those of the reference (management manual, "Master CLI").
func masterCommands() []masterRow {
	return []masterRow{
		{Command: cli.Command{Words: "@!<pid>", Help: "send a command to the <pid> process"}},
		{Command: cli.Command{Words: "@<relative pid>", Help: "send a command to the <relative pid> process"}},
		{Command: cli.Command{Words: "@master", Help: "send a command to the master process"}},
		{Command: cli.Command{Words: "operator", Help: "lower the level of the current CLI session to operator"}, session: true, run: lowerTo(cli.Operator)},
		{Command: cli.Command{Words: "user", Help: "lower the level of the current CLI session to user"}, session: true, run: lowerTo(cli.User)},
		{Command: cli.Command{Words: "reload", Level: cli.Operator, Help: "reload haproxy"}, run: func(c *masterConn, _ []string) { c.reload(false) }},
		{Command: cli.Command{Words: "hard-reload", Level: cli.Operator, Help: "reload haproxy, and end the former workers at once"}, run: func(c *masterConn, _ []string) { c.reload(true) }},
		{Command: cli.Command{Words: "show cli level", Help: "display the level of the current CLI session"}, run: func(c *masterConn, _ []string) { c.write(c.level.String() + "\n\n") }},
		{Command: cli.Command{Words: "show cli sockets", Help: "dump list of cli sockets"}, run: func(c *masterConn, _ []string) { c.write("\n") }}, // those of workers are their own
		{Command: cli.Command{Words: "show proc", Help: "show processes status"}, run: func(c *masterConn, _ []string) { c.write(c.m.showProc()) }},
		{Command: cli.Command{Words: "show version", Help: "show version of the current process"}, run: func(c *masterConn, _ []string) { c.write(c.m.Version + "\n\n") }},
		{Command: cli.Command{Words: "show startup-logs", Help: "show the messages of the master's start"}, run: func(c *masterConn, _ []string) { c.write(c.m.startup.logs() + "\n") }},
		{Command: cli.Command{Words: "expert-mode", Hidden: true}, session: true, run: switchMode(func(c *masterConn) *bool { return &c.expert })},
		{Command: cli.Command{Words: "experimental-mode", Hidden: true}, session: true, run: switchMode(func(c *masterConn) *bool { return &c.experimental })},
		{Command: cli.Command{Words: "help", Args: "[<command>]", Help: "list matching or all commands"}, run: func(c *masterConn, args []string) { c.write(c.m.table.Help(args, c.expert) + "\n") }},
		{Command: cli.Command{Words: "prompt", Help: "toggle interactive mode with prompt"}, session: true, run: func(c *masterConn, _ []string) { c.prompt = !c.prompt }},
		{Command: cli.Command{Words: "quit", Help: "disconnect"}, session: true, run: func(c *masterConn, _ []string) {
			if c.prompt {
				c.write(c.promptText())
			}
			c.quit = true
		}},
	}
}

// newMasterTable makes what looks them up.
func newMasterTable() *cli.Table {
	var list []cli.Command
	for _, r := range masterCommands() {
		list = append(list, r.Command)
	}
	return cli.NewTable(list, []cli.Unsupported{{Words: "mcli-debug-mode"}})
}

// masterCommand is the row of a command, nil if there is none that can be carried out.
func masterCommand(words string) *masterRow {
	for _, r := range masterCommands() {
		if r.Words == words && r.run != nil {
			return &r
		}
	}
	return nil
}

// own carries out a command of the master itself.
func (c *masterConn) own(words []string) {
	found, args := c.m.table.Find(words)
	var row *masterRow
	if found != nil {
		row = masterCommand(found.Words)
	}
	switch {
	case row == nil:
		c.write(c.m.table.Unknown(words, c.expert) + "\n")
	case c.level < row.Level:
		c.write("Permission denied\n\n")
	default:
		row.run(c, args)
	}
}

// lowerTo lowers the level. To ask for more than there is ends the connection.
func lowerTo(to cli.Level) func(*masterConn, []string) {
	return func(c *masterConn, _ []string) {
		if c.level < to {
			c.write("Permission denied!\n")
			c.quit = true
			return
		}
		c.level = to
	}
}

// switchMode changes a mode; anything but "on" ends it.
func switchMode(of func(*masterConn) *bool) func(*masterConn, []string) {
	return func(c *masterConn, args []string) {
		if c.level < cli.AdminLevel {
			c.write("Permission denied!\n")
			c.quit = true
			return
		}
		*of(c) = len(args) > 0 && args[0] == "on"
	}
}

// reload asks for a reload. It replaces the image, and with it this connection.
func (c *masterConn) reload(hard bool) {
	c.quit = true
	if hard { // not to be lost behind one that is not
		select {
		case c.m.asked <- hard:
		case <-c.m.ended:
		}
		return
	}
	select {
	case c.m.asked <- hard:
	default:
	}
}
