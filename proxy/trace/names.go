package trace

// Name is one of the words of the runtime API, and what it means.
type Name struct{ Word, Doc string }

// LevelNames are the levels in their order.
var LevelNames = []Name{
	{"error", "what is wrong"},
	{"user", "and what users may want to know"},
	{"proto", "and what is said"},
	{"state", "and what changes"},
	{"data", "and what passes"},
	{"developer", "and each step"},
}

// VerbosityNames are the verbosities in their order.
var VerbosityNames = []Name{
	{"quiet", "the kind of the event"},
	{"clean", "and what happened, in words"},
	{"minimal", "and where"},
	{"simple", "as minimal"},
	{"advanced", "and details, such as fields"},
	{"complete", "as advanced"},
}

// LockNames are what a trace may keep to, in the order of Lock.
var LockNames = [numLocks]Name{
	Nothing: {"nothing", "everything counts"}, Thread: {"thread", "the thread"}, Listener: {"listener", "the listener"},
	Frontend: {"frontend", "the frontend"}, Backend: {"backend", "the backend"}, Server: {"server", "the server"},
	Session: {"session", "the session"}, Connection: {"connection", "the connection"},
}

// LockName is how what a source may keep to is called.
func (s *Source) LockName(l Lock) Name {
	if l == Own {
		return Name{s.Own.Name, s.Own.Doc}
	}
	return LockNames[l]
}
