package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// endings are the signals that ask a command to end in good order: Ctrl-C,
// kill(1), and the end of the terminal, unless nohup(1) keeps that away.
func endings() []os.Signal {
	all := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

// untilSignal is a context that ends with the first of them.
func untilSignal() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), endings()...)
}
