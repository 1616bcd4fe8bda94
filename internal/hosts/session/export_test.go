package session

// Vanish ends a session as a kill of its process would: nobody is told.
func Vanish(s *Session) { s.conn.Close() }
