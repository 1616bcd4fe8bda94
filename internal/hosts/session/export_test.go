package session

// Run is the name of a session's run.
func Run(s *Session) string { return s.run }

// Vanish ends a session as a kill of its process would: nobody is told.
func Vanish(s *Session) { s.conn.Close() }
