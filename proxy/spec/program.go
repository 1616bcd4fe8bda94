package spec

// Program is a "program" section: what a master runs beside its workers.
type Program struct {
	Pos      Pos
	Name     string
	Command  []string
	UID, GID int  // -1: as the master
	Once     bool // a reload starts it not again
}
