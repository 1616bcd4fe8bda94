package main

import (
	"flag"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// mainVariable makes the test binary behave as bench itself, so that a run
// under test finds its loads, origins and guard in it.
const mainVariable = "BENCH_TEST_MAIN"

// hogVariable makes it a program that takes its processor for half of the time.
const hogVariable = "BENCH_TEST_HOG"

// hogTurn is how long it does so at a time.
const hogTurn = 40 * time.Millisecond

// hog runs until it is killed, in real time where that is allowed.
func hog() {
	runtime.LockOSThread()
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 50}, 0)
	for {
		for began := time.Now(); time.Since(began) < hogTurn; {
		}
		time.Sleep(hogTurn)
	}
}

func TestMain(m *testing.M) {
	if os.Getenv(hogVariable) != "" {
		hog()
	}
	if os.Getenv(mainVariable) != "" {
		haveRoom()
		haveFiles()
		beAhead()
		main()
	}
	// The tests may run under nohup(1). What a process handles is as ever again in
	// those that it starts; what it ignores is not.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	// Tests that may run beside others hardly use a processor: they wait for runs of which
	// the length is given.
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
