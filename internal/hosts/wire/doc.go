// Package wire is what the hub, the hosts and the runner of a distributed run say to
// each other: the subjects, the messages, the token that lets somebody in, and how a
// connection is made. What is done with any of it belongs to the packages beside it.
//
// Everything goes through one hub, a NATS server with JetStream:
//
//	b.who                        who is there?
//	b.hello.HOST                 what a host says of itself, whenever somebody asks
//	b.full                       the hub has no room for output any more, and says why
//	b.beat.HOST                  a host's sign of life, with the runs it works for
//	b.c.HOST.RUN.CHANNEL         orders of a run to a host, numbered, each asked for until
//	                             it is answered
//	b.c.HOST.RUN.clock           one round trip of a clock comparison
//	b.r.RUN.beat                 the runner's sign of life, through the hub
//	b.r.RUN.h.HOST.CHANNEL       output of a process, kept in the run's JetStream stream
//	b.q.RUN.todo.N, b.q.RUN.done.N   a task of a run, and that it was done, each in a stream
package wire

import "strings"

// Subjects.
const (
	Who = "b.who"
	// AnyHello is where answers to that are heard. Each host has a subject of its own for
	// them, so that none answers for another.
	AnyHello = "b.hello.*"
	// Full is what the hub says, again and again, while the disk of its store is nearly full.
	Full = "b.full"
	// AnyRunBeat is what hosts listen to.
	AnyRunBeat = "b.r.*.beat"
	// AnyBeat is what runners listen to.
	AnyBeat = "b.beat.*"
)

// HelloOf is the subject of what a host says of itself.
func HelloOf(host string) string { return "b.hello." + host }

// Beat is the subject of a host's signs of life.
func Beat(host string) string { return "b.beat." + host }

// RunBeat is the subject of a runner's signs of life.
func RunBeat(run string) string { return "b.r." + run + ".beat" }

// Orders is the subject of one channel of a run to a host.
func Orders(host, run, channel string) string { return "b.c." + host + "." + run + "." + channel }

// AnyOrders is what a host listens to.
func AnyOrders(host string) string { return "b.c." + host + ".>" }

// Output is the subject of what comes out of one channel of a run on a host.
func Output(run, host, channel string) string { return "b.r." + run + ".h." + host + "." + channel }

// AnyOutput is everything that comes out of the processes of a run.
func AnyOutput(run string) string { return "b.r." + run + ".h.>" }

// Stream is the name of the JetStream stream of a run's output.
func Stream(run string) string { return "R_" + run }

// Todo and Done are the subjects of a task of a run and of what became of it, "*" for all;
// TodoStream and DoneStream are the streams that hold them.
func Todo(run, task string) string { return "b.q." + run + ".todo." + task }

// Done is the subject of the outcome of a task.
func Done(run, task string) string { return "b.q." + run + ".done." + task }

// TodoStream is the name of the stream of a run's tasks.
func TodoStream(run string) string { return "Q_" + run }

// DoneStream is the name of the stream of the tasks that were done.
func DoneStream(run string) string { return "D_" + run }

// RunOfStream is the run that a stream belongs to, "" if it is none of this program's.
func RunOfStream(stream string) string {
	if kind, run, ok := strings.Cut(stream, "_"); ok && (kind == "R" || kind == "Q" || kind == "D") {
		return run
	}
	return ""
}

// ClockChannel is the channel of clock comparisons, RunChannel that of orders about the
// run as a whole. Those of processes are p and a number.
const (
	ClockChannel = "clock"
	RunChannel   = "run"
	// FaultChannel and a number are those of faults.
	FaultChannel = "fault"
)

// Inbox is where answers for a client go: nobody else may listen there.
func Inbox(client string) string { return "_INBOX." + client }

// ClientOfHost and ClientOfRun name connections. The hub reads what they may do from that.
func ClientOfHost(host string) string { return "host-" + host }

// ClientOfRun is the name of the connection of a run's runner.
func ClientOfRun(run string) string { return "run-" + run }
