// Package backends runs mock origins: servers of known behaviour that stand
// behind a proxy under test, count every request they meet and misbehave on
// order. It joins the parts of a process (threads, replicas, control
// endpoint); protocols have packages of their own below it. Nothing of the
// proxy engine may enter: a shared codec would share its bugs.
package backends
