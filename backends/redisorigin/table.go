package redisorigin

import "strings"

// flags say in which states a command is carried out.
type flags uint8

const (
	write        flags = 1 << iota // changes keys: not on a replica
	grows                          // needs memory
	noAuth                         // before AUTH too
	whileLoading                   // while the server loads its data
	whileStale                     // on a replica that has lost its primary
	misconf                        // refused in state misconf though it writes nothing
	atOnce                         // between MULTI and EXEC too
)

// command is a row of the table of commands: a new one adds a row.
type command struct {
	name  string
	arity int // number of words with the name; at least -arity if negative
	flags flags
	do    func(*call)
}

const anytime = whileLoading | whileStale

func commandTable() map[string]*command {
	rows := []command{
		{"ping", -1, misconf, ping},
		{"echo", 2, anytime, echo},
		{"auth", -2, noAuth | anytime, auth},
		{"hello", -1, noAuth | anytime, hello},
		{"select", 2, anytime, selectDB},
		{"reset", 1, noAuth | anytime | atOnce, reset},
		{"client", -2, anytime, client},
		{"command", -1, anytime, commandInfo},
		{"config", -2, anytime, config},
		{"info", -1, anytime, info},
		{"role", 1, anytime, role},
		{"replicaof", 3, whileStale, replicaOf},
		{"slaveof", 3, whileStale, replicaOf},
		{"time", 1, anytime, clock},
		{"wait", 3, 0, wait},
		{"readonly", 1, anytime, (*call).ok},
		{"readwrite", 1, anytime, (*call).ok},

		{"multi", 1, anytime | atOnce, multi},
		{"exec", 1, anytime | atOnce, exec},
		{"discard", 1, anytime | atOnce, discard},
		{"watch", -2, anytime | atOnce, watchKeys},
		{"unwatch", 1, anytime, unwatch},

		{"get", 2, 0, get},
		{"set", -3, write | grows, set},
		{"setnx", 3, write | grows, setNX},
		{"setex", 4, write | grows, setEX},
		{"psetex", 4, write | grows, setEX},
		{"getset", 3, write | grows, getSet},
		{"getdel", 2, write, getDel},
		{"getex", -2, write, getEX},
		{"mget", -2, 0, mget},
		{"mset", -3, write | grows, mset},
		{"msetnx", -3, write | grows, msetNX},
		{"append", 3, write | grows, appendTo},
		{"strlen", 2, 0, strlen},
		{"getrange", 4, 0, getRange},
		{"incr", 2, write | grows, incr},
		{"decr", 2, write | grows, decr},
		{"incrby", 3, write | grows, incr},
		{"decrby", 3, write | grows, decr},
		{"incrbyfloat", 3, write | grows, incrByFloat},

		{"del", -2, write, del},
		{"unlink", -2, write, del},
		{"exists", -2, 0, exists},
		{"touch", -2, 0, exists},
		{"rename", 3, write, rename},
		{"renamenx", 3, write, rename},
		{"randomkey", 1, 0, randomKey},
		{"type", 2, 0, typeOf},
		{"expire", -3, write, expire},
		{"pexpire", -3, write, expire},
		{"expireat", -3, write, expire},
		{"pexpireat", -3, write, expire},
		{"ttl", 2, 0, ttl},
		{"pttl", 2, 0, ttl},
		{"expiretime", 2, 0, expireTime},
		{"pexpiretime", 2, 0, expireTime},
		{"persist", 2, write, persist},
		{"keys", 2, 0, keys},
		{"scan", -2, 0, scan},
		{"dbsize", 1, 0, dbSize},
		{"flushdb", -1, write, flushDB},
		{"flushall", -1, write, flushAll},
	}
	table := make(map[string]*command, len(rows))
	for i := range rows {
		table[strings.ToUpper(rows[i].name)] = &rows[i]
	}
	return table
}
