package main

import (
	"os"
	"path/filepath"

	"bench/proxy/process"
)

// What the engine reports as its version is the version of HAProxy whose
// configuration language and interfaces it follows: scripts decide by it.
const (
	engineVersion = "2.6.12"
	engineDate    = "2026/11/23"
)

// proxyCmd stands for the engine in the list of commands. Its words follow
// HAProxy's rules and never get here: see proxyWords.
type proxyCmd struct {
	Words []string `arg:"" optional:"" passthrough:"" help:"HAProxy's own command line."`
}

// proxyWords reports whether the process is to be a proxy, and how many words come
// before the first option: it may be called by HAProxy's name.
func proxyWords(args []string) (int, bool) {
	switch {
	case len(args) > 0 && filepath.Base(args[0]) == "haproxy":
		return 1, true
	case len(args) > 1 && args[1] == "proxy":
		return 2, true
	}
	return 0, false
}

func runProxy(args []string, words int) int {
	return process.Main(process.Program{
		Args: args, Words: words, Version: engineVersion, Date: engineDate,
		Stdout: os.Stdout, Stderr: os.Stderr,
	})
}

// Run is what remains for a caller that bypasses main.
func (c *proxyCmd) Run() error {
	words := append([]string{os.Args[0], "proxy"}, c.Words...)
	if code := runProxy(words, 2); code != 0 {
		return &exitError{code: code}
	}
	return nil
}
