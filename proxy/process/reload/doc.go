// Package reload holds what one proxy process needs to replace another without
// losing a connection: taking and giving listening sockets, telling old
// processes to pause, resume and finish, pid files, service-manager
// notifications, and the state that survives a re-execution.
//
// It deals in descriptors, pids and addresses. Configuration, the engine and the
// order in which a process uses all this may not enter.
package reload
