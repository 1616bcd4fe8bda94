// Package lua lets scripts decide in the engine: the classes and functions that HAProxy
// gives to scripts, over the language of package lang.
//
// A Program is what the configuration loads: states of the language, and what scripts have
// registered in them. A Machine runs it on one loop. Every call of a script (an action, a
// service, a task) is a coroutine on the thread of the loop: what waits in it gives the
// thread back, and the loop goes on with it later. Scripts of "lua-load" share one state,
// which one of them is in at a time; those of "lua-load-per-thread" have one for each thread.
//
// What waits on its own goroutine, and what reads a configuration, does not enter here.
package lua
