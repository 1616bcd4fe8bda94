// Package proc supervises the processes of a run. Whatever happens to this
// process (the end of a run, an interrupt, a panic, SIGKILL), no process and no
// directory of the run outlives it:
//
//   - every child leads a session and process group of its own, so that an
//     interrupt typed on the terminal reaches this process alone;
//   - every child asks the kernel to be killed when the thread that started it
//     ends; one thread, kept for the life of the group, starts them all;
//   - children inherit a mark in their environment, by which Close and the
//     guard find also those that left the process group;
//   - the guard, a process in a session of its own that waits for the end of a
//     pipe, does the same when this process was killed outright.
//
// No knowledge of what the processes do may enter.
package proc
