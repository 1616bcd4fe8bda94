package spec

// Cache is a section that keeps responses.
type Cache struct {
	Pos
	Name string
	// Total is how much is kept at most, Object how much of it one response may take, in
	// bytes.
	Total, Object int
	MaxAge        int  // seconds
	Vary          bool // responses that depend on fields of their requests are kept as well
	Secondary     int  // how many of them for one address
}
