package format

// What loads send, and what they expect of the answers.

// Content is the body of a request: a size alone, or one of text, file and size
// with how to send it.
type Content struct {
	// Size is the length of a body of letters x.
	Size Size `yaml:"size" default:"0"`
	// Text is the body.
	Text string `yaml:"text"`
	// File is sent as it is; relative to the scenario.
	File string `yaml:"file"`
	// Template replaces the variables of path in text or the file.
	Template bool `yaml:"template" default:"false"`
	// Chunk sends the body in chunks of this size instead of with its length.
	Chunk Size `yaml:"chunk" default:"0"`
}

// setScalar lets a body be written as its size alone.
func (c *Content) setScalar(text string) error { return c.Size.setScalar(text) }

// Expect says what a good answer is; another one is a failure.
type Expect struct {
	// Status lists the good statuses; 200 to 399 if it is empty.
	Status []int `yaml:"status"`
	// Headers that must be there: with this value, beginning as a value that
	// ends in *, or with any value for "*" alone.
	Headers map[string]string `yaml:"headers"`
	// Bytes is the length of the body.
	Bytes *Size `yaml:"bytes"`
	// Sha256 is the checksum of the body in hexadecimal digits.
	Sha256 string `yaml:"sha256"`
	// Contains is a text the body must hold.
	Contains string `yaml:"contains"`
}

// Request is one kind of request of a load.
type Request struct {
	// Name by which reports know it.
	Name string `yaml:"name,required"`
	// Weight is its share of the requests, in relation to the others'.
	Weight int `yaml:"weight" default:"1"`
	// Method in place of the load's.
	Method string `yaml:"method"`
	// Path in place of the load's.
	Path string `yaml:"path"`
	// Headers in addition to the load's, or in place of those of the same name.
	Headers map[string]string `yaml:"headers"`
	// Body in place of the load's.
	Body *Content `yaml:"body"`
	// Expect in place of the load's.
	Expect *Expect `yaml:"expect"`
}

// TCPLoad is what a load sends to and expects of any other servers.
type TCPLoad struct {
	// Connect are the steps that a new connection begins with.
	Connect []string `yaml:"connect"`
	// Exchanges are the kinds of requests, chosen by weight and reported by name.
	Exchanges []Exchange `yaml:"exchanges,required"`
}

// Exchange is one kind of request of protocol tcp: one of steps, echo, upload
// and download.
type Exchange struct {
	// Name by which reports know it; required where there are several.
	Name string `yaml:"name"`
	// Weight is its share of the requests, in relation to the others'.
	Weight int `yaml:"weight" default:"1"`
	// Steps in turn: send TEXT (with variables as in path), expect TEXT (read until
	// these bytes have come) and read SIZE. TEXT has the escapes of a Go string.
	Steps []string `yaml:"steps"`
	// Echo sends this many bytes, fixed or a distribution, which must come back.
	Echo *Distribution `yaml:"echo"`
	// Upload sends this many bytes on a connection of its own; the answer is the
	// end of it by the peer.
	Upload *Distribution `yaml:"upload"`
	// Download reads this many bytes of what the peer says on a connection of its own.
	Download *Distribution `yaml:"download"`
}

// MySQLLoad is what a load sends to MySQL servers.
type MySQLLoad struct {
	// User that logs in, by mysql_native_password or caching_sha2_password.
	User string `yaml:"user" default:"root"`
	// Password of the user; none is sent if it is empty.
	Password string `yaml:"password"`
	// Database that is used.
	Database string `yaml:"database"`
	// Connect are statements that a new connection begins with.
	Connect []string `yaml:"connect"`
	// Statements are the kinds of requests, chosen by weight and reported by
	// name; a ping if there are none.
	Statements []Statement `yaml:"statements"`
}

// Statement is one kind of request of protocol mysql: a query, a transaction, or a
// ping without either.
type Statement struct {
	// Name by which reports know it; required where there are several.
	Name string `yaml:"name"`
	// Weight is its share of the requests, in relation to the others'.
	Weight int `yaml:"weight" default:"1"`
	// Query is a statement, with variables as in path.
	Query string `yaml:"query"`
	// Prepared prepares the query on each connection. It has question marks then,
	// and no variables.
	Prepared bool `yaml:"prepared" default:"false"`
	// Params stand for the question marks, in their order, with variables as in
	// path. Whole numbers are sent as such, all else as text.
	Params []string `yaml:"params"`
	// Transaction are statements between BEGIN and COMMIT. An error ends it with
	// ROLLBACK.
	Transaction []string `yaml:"transaction"`
	// Expect says what a good result is; anything but an error without it.
	Expect ExpectResult `yaml:"expect"`
}

// ExpectResult says what a good result is; another one is a failure. Counts are
// those of all statements of a transaction.
type ExpectResult struct {
	// Rows of the result.
	Rows *int `yaml:"rows"`
	// Affected is the number of rows changed.
	Affected *int `yaml:"affected"`
	// Error is the number of the error it must be.
	Error int `yaml:"error" default:"0"`
}

// RedisLoad is what a load sends to Redis servers.
type RedisLoad struct {
	// User of AUTH; the default user if it is empty.
	User string `yaml:"user"`
	// Password of AUTH; none is sent if it is empty.
	Password string `yaml:"password"`
	// Database that each connection selects.
	Database int `yaml:"database" default:"0"`
	// Version of the protocol: 2, or 3 by HELLO.
	Version int `yaml:"version" default:"2"`
	// Keys that {{key}} stands for.
	Keys Keys `yaml:"keys"`
	// Value is the size that {{value}} has, fixed or a distribution:
	// uniform(64B, 1KiB).
	Value Distribution `yaml:"value" default:"3B"`
	// Commands are the kinds of requests, chosen by weight and reported by name;
	// PING if there are none.
	Commands []RedisCommand `yaml:"commands"`
}

// Keys is a set of keys and how often each is used.
type Keys struct {
	// Prefix of the keys; twelve digits follow it.
	Prefix string `yaml:"prefix" default:"key:"`
	// Count of the keys.
	Count int `yaml:"count" default:"100000"`
	// Law is uniform, zipfian (key k is used in proportion to k to the power of
	// minus skew) or sequential (one after another).
	Law string `yaml:"law" default:"uniform" enum:"uniform,zipfian,sequential"`
	// Skew of law zipfian; 0.99 if it is 0.
	Skew float64 `yaml:"skew" default:"0"`
}

// RedisCommand is one kind of request of protocol redis.
type RedisCommand struct {
	// Name by which reports know it; required where there are several.
	Name string `yaml:"name"`
	// Weight is its share of the requests, in relation to the others'.
	Weight int `yaml:"weight" default:"1"`
	// Command is the command as redis-cli takes it. {{key}} is a key, {{value}} a
	// value, and the variables of path are there too.
	Command string `yaml:"command,required"`
	// Value in place of the load's.
	Value *Distribution `yaml:"value"`
	// Expect says what a good reply is; anything but an error without it.
	Expect ExpectReply `yaml:"expect"`
}

// setScalar lets a command be written as its line alone.
func (c *RedisCommand) setScalar(text string) error {
	c.Command = text
	return nil
}

// ExpectReply says what a good reply is; another one is a failure.
type ExpectReply struct {
	// Text is the whole reply, one that is no array.
	Text *string `yaml:"text"`
	// Bytes is the length of the reply's strings.
	Bytes *Size `yaml:"bytes"`
	// Null reports whether there must be no value, or must be one.
	Null *bool `yaml:"null"`
	// Error is how the error begins that the reply must be.
	Error string `yaml:"error"`
}
