// Package internal_test holds the import rules of the whole module.
package internal_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rule forbids the packages below from to import those below what.
type rule struct {
	from, what string
	why        string
}

var rules = []rule{
	{"bench/loadgen", "bench/proxy", "the generator must not share a bug with the engine"},
	{"bench/loadgen/codec", "bench/loadgen/", "what a protocol is knows no protocol"},
	{"bench/loadgen/http1", "bench/internal/sock", "a protocol opens no sockets"},
	{"bench/loadgen/http2", "bench/internal/sock", "a protocol opens no sockets"},
	{"bench/loadgen/redis", "bench/internal/sock", "a protocol opens no sockets"},
	{"bench/loadgen/mysql", "bench/internal/sock", "a protocol opens no sockets"},
	{"bench/loadgen/tcp", "bench/internal/sock", "a protocol opens no sockets"},
	{"bench/loadgen/workload", "bench/loadgen/worker", "a load is data"},
	{"bench/loadgen/workload", "bench/internal/loop", "a load is data"},
	{"bench/loadgen/pace", "bench/internal/loop", "a schedule knows no clock"},
	{"bench/loadgen/record", "bench/loadgen/worker", "the books do not know who fills them"},
	{"bench/loadgen/record", "bench/internal/sock", "the books know no connections"},
	{"bench/backends", "bench/proxy", "the origins must not share a bug with the engine"},
	{"bench/scenarios", "bench/proxy", "the proxy under test is a process, driven from outside"},
	{"bench/scenarios/source", "bench/scenarios", "text is read without knowing what it means"},
	{"bench/scenarios/format", "bench/scenarios/validate", "the format does not judge"},
	{"bench/scenarios/format", "bench/scenarios/document", "the format does not know its files"},
	{"bench/scenarios/format", "bench/scenarios/runner", "the format runs nothing"},
	{"bench/scenarios/validate", "bench/scenarios/runner", "what is judged is not run"},
	{"bench/scenarios/document", "bench/scenarios/runner", "what is read is not run"},
	{"bench/scenarios/sidebyside", "bench/scenarios/format", "programs side by side follow no scenario"},
	{"bench/scenarios/capacity", "bench/scenarios/runner", "a search knows no processes"},
	{"bench/scenarios/capacity", "bench/internal/proc", "a search knows no processes"},
	{"bench/reports", "bench/scenarios", "reports know results only"},
	{"bench/cmd/bench/importer", "bench/loadgen", "what is imported is not run"},
	{"bench/reports", "bench/proxy", "reports know results only"},
	{"bench/reports/compare", "bench/loadgen", "a comparison is rendered from its record"},
	{"bench/reports/series", "bench/reports/", "what is true does not depend on how it is shown"},
	{"bench/reports/words", "bench/reports/page", "words know no markup"},
	{"bench/reports/page", "bench/reports/compare", "pages know records, not the formats beside them"},
	{"bench/reports/internal", "bench/reports/page", "formats know no pages"},
	{"bench/chaos", "bench/proxy", "faults act from outside"},
	{"bench/chaos", "bench/scenarios", "when faults happen is for the runner"},
	{"bench/chaos", "bench/loadgen", "faults know no loads"},
	{"bench/netns", "bench/proxy", "networks know nothing of what runs on them"},
	{"bench/netns", "bench/scenarios", "networks know nothing of what runs on them"},
	{"bench/netns", "bench/chaos", "networks know nothing of what happens to them"},
	{"bench/chaos/frame", "bench/chaos", "frames are only read and written"},
	{"bench/chaos/impair", "bench/chaos/link", "decisions know no sockets"},
	{"bench/chaos/impair", "bench/internal/loop", "decisions know no clock"},
	{"bench/internal/hosts", "bench/proxy", "what is carried does not matter to who carries it"},
	{"bench/internal/hosts", "bench/scenarios", "who runs where is for the runner"},
	{"bench/internal/hosts", "bench/loadgen", "what is carried does not matter to who carries it"},
	{"bench/internal/hosts/wire", "bench/", "what is said depends on nobody"},
	{"bench/internal/hosts/clock", "bench/", "clocks are compared as numbers"},
	{"bench/internal/hosts/member", "bench/internal/hosts/session", "a host knows no runner"},
	{"bench/internal/hosts/session", "bench/internal/hosts/member", "a runner knows hosts by what they say"},
	{"bench/internal/hosts/hub", "bench/internal/proc", "the hub knows subjects only"},
	{"bench/internal/proc", "github.com/nats-io", "processes elsewhere are started by an interface"},
	{"bench/loadgen", "github.com/nats-io", "a load does not know which machine it is on"},
	{"bench/proxy", "bench/loadgen", "the engine knows nothing of the test bed"},
	{"bench/proxy", "bench/backends", "the engine knows nothing of the test bed"},
	{"bench/proxy", "bench/scenarios", "the engine knows nothing of the test bed"},
	{"bench/proxy", "bench/reports", "the engine knows nothing of the test bed"},
	{"bench/proxy/engine", "bench/proxy/process", "an engine does not know the process it runs in"},
	{"bench/proxy", "net/http", "the engine speaks HTTP by itself"},
	{"bench/internal", "bench/proxy", "shared rooms lie below the engine"},
	{"bench/internal", "bench/loadgen", "shared rooms lie below the generator"},
	{"bench/internal", "bench/scenarios", "shared rooms lie below the runner"},
	{"bench/internal/result", "bench/internal/", "records are plain data"},
	{"bench/proxy/engine", "bench/internal/virtual", "what runs does not know what it runs on"},
	{"bench/proxy/stream", "bench/internal/virtual", "what runs does not know what it runs on"},
	{"bench/proxy/process", "bench/proxy/simulation", "what runs does not know what it runs on"},
	{"bench/internal/list", "bench/", "a list does not know what it holds"},
	{"bench/internal/recovery", "bench/reports", "one definition for all who judge and show"},
	{"bench/internal/mutate", "bench/", "what tests tests depends on nothing they test"},
	{"bench/internal/stats", "bench/", "statistics know numbers only"},
	{"bench/internal/stats", "os", "statistics are pure functions"},
	{"bench/internal/stats", "time", "statistics are pure functions"},
	{"bench/internal/stats", "math/rand", "statistics are pure functions"},
	{"bench/scenarios/measures", "bench/scenarios/runner", "figures come from folders"},
	{"bench/scenarios/measures", "bench/scenarios/compare", "figures do not know what is made of them"},
	{"bench/scenarios/compare", "bench/reports/page", "a comparison renders nothing"},
	{"bench/internal/slowdown", "bench/", "the engine can waste time without knowing why"},
	{"bench/scenarios/gate", "bench/scenarios", "what decides runs nothing"},
	{"bench/scenarios/gate", "bench/loadgen", "what decides runs nothing"},
	{"bench/scenarios/gate", "os", "what decides reads nothing"},
	{"bench/scenarios/gate", "time", "what decides knows no clock"},
	{"bench/scenarios/gate", "math/rand", "the same pairs give the same verdict"},
	{"bench/scenarios/history", "bench/scenarios/runner", "histories are read, not run"},
	{"bench/scenarios/history", "bench/loadgen", "histories are read, not run"},
	{"bench/reports/trend", "bench/scenarios", "what is shown is in the record"},
	{"bench/proxy/message", "bench/proxy/h1", "the model does not know its codecs"},
	{"bench/proxy/message", "bench/proxy/h2", "the model does not know its codecs"},
	{"bench/proxy/h1", "bench/proxy/h2", "one codec does not know what is built on it"},
	{"bench/proxy/h2", "bench/proxy/stream", "a codec does not know whose messages they are"},
	{"bench/proxy/h2", "bench/proxy/transport", "a codec works on bytes in memory"},
	{"bench/proxy/h2", "bench/internal/loop", "a codec works on bytes in memory"},
	{"bench/proxy/h2", "bench/internal/sock", "a codec works on bytes in memory"},
	{"bench/proxy/h2/hpack", "bench/proxy/h2", "the compression of fields does not know frames"},
	{"bench/proxy", "golang.org/x/net", "the engine speaks HTTP by itself"},
	{"bench/proxy/spec", "bench/proxy/server", "the specification is inert"},
	{"bench/proxy/spec", "bench/proxy/stream", "the specification is inert"},
	{"bench/proxy/spec", "bench/proxy/config", "the specification does not know the language"},
	{"bench/proxy/spec", "bench/proxy/log", "the specification is inert"},
	{"bench/proxy/spec", "bench/proxy/h1", "the specification is inert"},
	{"bench/proxy/server", "bench/proxy/stream", "servers do not know streams"},
	{"bench/proxy/registry", "bench/proxy/", "lists know nothing of what they hold"},
	{"bench/proxy/table", "bench/proxy/", "tables know keys and numbers, not what they are of"},
	{"bench/proxy/resolver", "bench/proxy/server", "names are looked up whatever they are for"},
	{"bench/proxy/resolver", "bench/proxy/stream", "names are looked up whatever they are for"},
	{"bench/proxy/state", "bench/", "states are only named"},
	{"bench/proxy/statefile", "bench/", "it is a format of text"},
	{"bench/proxy/stream", "bench/proxy/config", "what runs does not read text"},
	{"bench/proxy/certs", "bench/proxy/stream", "certificates know no connections"},
	{"bench/proxy/certs", "bench/proxy/config", "certificates know no text but their own"},
	{"bench/proxy/transport", "bench/proxy/stream", "what moves bytes does not know whose they are"},
	{"bench/proxy/transport", "bench/proxy/spec", "what moves bytes is not configured by text"},
	{"bench/proxy/transport", "bench/proxy/txn", "what moves bytes does not know whose they are"},
	{"bench/proxy/txn", "bench/proxy/stream", "a transaction knows its stream by what it may ask of it"},
	{"bench/proxy/txn", "bench/proxy/sample", "a transaction does not know who reads it"},
	{"bench/proxy/regex", "bench/proxy/", "expressions are about bytes only"},
	{"bench/proxy/pattern", "bench/proxy/sample", "patterns are compared with values, wherever those come from"},
	{"bench/proxy/sample", "bench/proxy/stream", "samples see the transaction only"},
	{"bench/proxy/sample", "bench/proxy/acl", "samples are below what compares them"},
	{"bench/proxy/sample", "bench/proxy/spec", "samples are below the specification"},
	{"bench/proxy/acl", "bench/proxy/stream", "conditions see the transaction only"},
	{"bench/proxy/logformat", "bench/proxy/stream", "texts see the transaction only"},
	{"bench/proxy/rule", "bench/proxy/stream", "rules see the transaction only"},
	{"bench/proxy/rule", "bench/proxy/h1", "rules see the model of messages only"},
	{"bench/proxy/hash", "bench/", "hashes are about bytes only"},
	{"bench/proxy/cookie", "bench/", "cookies are texts, whoever sends them"},
	{"bench/proxy/compress", "bench/", "encoders are about bytes only"},
	{"bench/proxy/cache", "bench/proxy/stream", "what is kept does not know who sends it"},
	{"bench/proxy/balance", "bench/proxy/stream", "who chooses servers does not know for whom"},
	{"bench/proxy/cli", "bench/proxy/stream", "the runtime API knows the engine by its interface"},
	{"bench/proxy/service", "bench/proxy/stream", "services do not know how their answers travel"},
	{"bench/proxy/exporter", "bench/proxy/stream", "the exporter knows the engine by its interface"},
	{"bench/proxy/exporter", "bench/proxy/cli", "the exporter changes nothing"},
	{"bench/proxy/statspage", "bench/proxy/stream", "the statistics page knows the engine by its interface"},
	{"bench/proxy/statspage", "bench/proxy/engine", "the statistics page knows the engine by its interface"},
	{"bench/proxy/log", "bench/proxy/stream", "logs know records only"},
	{"bench/proxy/script", "bench/proxy/sample", "scripts are known by what they are asked"},
	{"bench/proxy/script", "github.com/yuin", "who names a script does not know its language"},
	{"bench/proxy/rule", "bench/proxy/lua", "rules know scripts by an interface"},
	{"bench/proxy/sample", "bench/proxy/lua", "samples know scripts by an interface"},
	{"bench/proxy/stream", "bench/proxy/lua", "streams know scripts by an interface"},
	{"bench/proxy/stream", "github.com/yuin", "streams know scripts by an interface"},
	{"bench/proxy/lua", "bench/proxy/stream", "scripts see the transaction only"},
	{"bench/proxy/lua", "bench/proxy/engine", "scripts know the engine by an interface"},
	{"bench/proxy/lua", "bench/proxy/config", "scripts do not know who loads them"},
	{"bench/proxy/lua/lang", "bench/proxy/txn", "a language does not know what it is used for"},
	{"bench/proxy/lua/syntax", "bench/", "how scripts are written is about texts only"},
	{"bench/proxy/proxyproto", "bench/", "headers are bytes"},
	{"bench/proxy/socks", "bench/proxy/", "a handshake does not know where it leads"},
	{"bench/proxy/auth", "bench/", "passwords are bytes"},
	{"bench/proxy/check", "bench/proxy/stream", "checks do not know streams"},
}

// exceptions are the imports that may be although a rule forbids them.
var exceptions = []rule{
	{"bench/internal/stats/scaling", "bench/internal/result", "a fitted law is a record"},
	{"bench/internal/stats/scaling", "bench/internal/units", "it says in words what it refuses"},
	{"bench/internal/stats/change", "math/rand/v2", "its orders are seeded by the values"},
}

func excepted(pkg, imp string) bool {
	return slices.ContainsFunc(exceptions, func(e rule) bool { return e.from == pkg && e.what == imp })
}

// rawSyscalls are the only packages that may call the kernel directly.
var rawSyscalls = []string{"bench/internal/poller", "bench/internal/sock", "bench/internal/loop", "bench/internal/confine", "bench/chaos/link", "bench/proxy/process"}

func below(pkg, root string) bool {
	return pkg == root || strings.HasPrefix(pkg, strings.TrimSuffix(root, "/")+"/")
}

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}}: {{join .Imports \" \"}}", "bench/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 10 {
		t.Fatalf("only %d packages listed", len(lines))
	}
	for _, line := range lines {
		pkg, imports, _ := strings.Cut(line, ": ")
		for imp := range strings.FieldsSeq(imports) {
			for _, r := range rules {
				if below(pkg, r.from) && below(imp, r.what) && !below(imp, r.from) && imp != pkg && !excepted(pkg, imp) {
					t.Errorf("%s imports %s: %s", pkg, imp, r.why)
				}
			}
		}
	}
}

func TestRawSyscallsStayInTheirRooms(t *testing.T) {
	out, err := exec.Command("grep", "-rlE", `\.(RawSyscall6?|Syscall6?)\(`, "--include=*.go", "..").Output()
	if err != nil {
		t.Fatal(err)
	}
	for file := range strings.FieldsSeq(string(out)) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		pkg := "bench" + strings.TrimPrefix(file[:strings.LastIndexByte(file, '/')], "..")
		ok := false
		for _, p := range rawSyscalls {
			ok = ok || pkg == p
		}
		if !ok {
			t.Errorf("%s calls the kernel directly", file)
		}
	}
}
