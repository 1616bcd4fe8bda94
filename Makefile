# Everything from here: `make help`.
GO ?= go
BIN := bin/bench
TESTS := $(GO) run gotest.tools/gotestsum@v1.13.0 --format pkgname-and-test-fails --rerun-fails=1 --rerun-fails-max-failures=6 --rerun-fails-abort-on-data-race
LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 20s
FOR ?= 1m

.DEFAULT_GOAL := help
.PHONY: help run build test race lint fuzz bench performance soak soak-pieces churn listing peers-many simulate chaos-kill hosts-harm hosts-steps hosts-many library accuracy precision gate-calibration capacity-proof mutate clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build bin/bench
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) ./cmd/bench

run: build ## Build and run the main scenario: reloads under load, a verdict, a report
	$(BIN) run scenarios/zero-downtime-reload.yaml

# Tests of several packages take processors from each other. Where no more than a few
# fail, each is run once more, and named at the end; a data race counts at once. As most
# of them wait for something most of their time, there is one package more at a time than
# there are processors. Beside others the precision of the generator is hardly ever judged,
# so it is once more when they have ended.
test: build ## Run every test
	$(GO) vet ./...
	$(TESTS) --packages ./... -- -p $$(($$(nproc) + 1)) -timeout 40m
	$(TESTS) --packages ./loadgen/worker -- -count 1 -run 'SendError|Recovered|ArrivesSo'

# Without proxy/difftest: its engine is a process of its own, which the detector does
# not see. Buffers are overwritten there all the same.
race: ## Run the tests of engine and generator under the race detector
	$(TESTS) --packages "$$($(GO) list ./proxy/... ./internal/loop ./internal/poller ./loadgen/... | grep -v /difftest$$ | tr '\n' ' ')" -- -race -p $$(($$(nproc) + 1)) -timeout 40m

lint: ## Run the linters
	$(GO) mod tidy -diff
	$(GO) run $(LINT) run ./...

# When the time is up between two inputs, go test now and then says "context deadline
# exceeded" in place of PASS (go.dev/issue/75804, mended in Go 1.27). An input that
# breaks something is reported in other words. The targets are looked for in the files: to
# ask go test for them, it would link the tests of every package.
fuzz: ## Run each fuzz target for FUZZTIME, two at a time
	@$(GO) list -f '{{.ImportPath}} {{.Dir}}' ./... | while read -r p dir; do \
	  cat $$dir/*_test.go 2>/dev/null | sed -n "s|^func \(Fuzz[A-Za-z0-9_]*\)(.*|$$p \1|p"; \
	done | xargs -P 2 -L 1 sh -c 'out=$$($(GO) test -run "^$$" -fuzz "^$$1\$$" -fuzztime $(FUZZTIME) -parallel 1 $$0 2>&1) || \
	  case $$out in \
	    *"Failing input"*) false ;; \
	    *"    context deadline exceeded"*) ;; \
	    *) false ;; \
	  esac || { echo "$$0 $$1:"; echo "$$out"; exit 255; }; \
	  echo "$$0 $$1: $$(echo "$$out" | grep -o "execs: [0-9]*" | tail -1)"'

bench: build ## Measure engine and generator against HAProxy and wrk, side by side
	$(GO) test -run '^$$' -bench . -benchmem -benchtime 200ms ./proxy/h1 ./proxy/log ./proxy/stream ./loadgen/... ./backends ./internal/loop
	$(BIN) peers

soak: build ## Pass a million requests through a hundred reloads; none may fail, and none may leave garbage to collect
	$(BIN) run scenarios/soak-reload.yaml
	$(GO) test -count 1 -run TrafficMakesNoGarbage -v ./proxy/stream -requests 1000000

soak-pieces: build ## Pass a million requests in pieces between clients; each must keep its own bytes
	$(BIN) run scenarios/heads-in-pieces.yaml --set pieces=1500/s --set whole=500/s --set pool=48 --set time=670s --set trickle=660s

churn: ## Add 100,000 servers at run time under load and delete them; nothing may fail or be left
	$(GO) test -count 1 -timeout 60m -run ServersComeAndGo -v ./proxy/engine -churn 100000

listing: ## Compare how long requests take while 10,000 servers are listed with how long otherwise
	$(GO) test -count 1 -run ManyServersAreListed -v ./proxy/engine -listing 1m

peers-many: ## Teach a million entries of stick tables, to HAProxy and by HAProxy; print times and memory
	$(GO) test -count 1 -run ManyEntries -v ./proxy/process -peers-entries 1000000

# Each processor runs seeds of its own: SEEDS of them, or as many as there is time for.
# SEED=n is the first one of all, else the clock gives it.
simulate: ## Run the engine in memory, in virtual time, under new seeds for FOR; print the first that breaks a rule, made small
	$(GO) test -c -o bin/simulate.test ./proxy/simulation
	first=$${SEED:-$$(date +%s%N)}; n=$$(nproc); \
	seq 0 $$((n-1)) | xargs -P $$n -I{} sh -c 'bin/simulate.test -test.run "^TestSimulation$$" -test.v -test.timeout 0 -for $(FOR) -seeds $(or $(SEEDS),0) -seed $$(('$$first' + {} * 1000000000))'

performance: build ## Measure every row side by side with other programs, and write docs/PERFORMANCE.md
	$(BIN) peers --rounds 4 --duration 2s --markdown docs/PERFORMANCE.md --json bin/performance.json

chaos-kill: ## Kill 200 runs full of faults at random times; nothing may be left behind
	$(GO) test -count 1 -timeout 60m -run TestKilledRuns -v ./cmd/bench -plans 200

hosts-harm: ## Kill, stop and cut off hub, runner and hosts of 100 runs at random times; nothing may be left behind
	BENCH_HARMS=100 $(GO) test -count 1 -timeout 120m -run 'TestRunLosesMachines$$' -v ./cmd/bench

hosts-steps: ## Kill, stop and cut off hub, runner and hosts in every step of a run, 165 of them
	BENCH_STEPS=1000 $(GO) test -count 1 -timeout 120m -run TestRunLosesMachinesInEachStep -v ./cmd/bench

hosts-many: ## Let 1,000 hosts send to one hub, and print lag, processor and memory; wants a quiet machine
	BENCH_HOSTS=1000 $(GO) test -count 1 -v ./internal/hosts/session -run TestManyHosts

library: build ## Run every built-in scenario with the engine and with HAProxy, and write the table
	$(BIN) library --tries 2 --markdown docs/LIBRARY.md

accuracy: ## Hold the faults of the network to their figures; wants root and a quiet machine
	$(GO) test -count 1 -v ./chaos/link -run 'Accuracy|SameSeed|Throughput|NotConcerned|Bulk' -full
	$(GO) test -count 1 -v ./chaos/network -run Killed -full

precision: ## Hold the generator's schedule and its readings to their figures; wants a quiet machine
	$(GO) test -count 1 -v ./loadgen/worker -run 'SendError|Recovered|ArrivesSo|KnownAnswer' -full

gate-calibration: ## Simulate thousands of comparisons and make real ones; print how often they err; wants a quiet machine
	$(GO) test -count 1 -v ./scenarios/gate -run Calibration -full
	$(GO) test -count 1 -timeout 60m -v ./cmd/bench -run RealComparisons -real

capacity-proof: ## Find capacities of known limits to 3 %, three times each; wants root and a quiet machine
	$(GO) test -count 1 -timeout 2h -v ./cmd/bench -run TestCapacityProof -proof
	$(GO) test -count 1 -v ./scenarios/capacity -run CapacityOfQueues -searches 1000

# proxy/stream has thousands of mutants and tests that take their time: a share of them.
mutate: ## Make one mistake in the code after another; print how many the tests notice, which takes hours
	$(GO) run ./internal/mutate -within 2h ./internal/loop ./proxy/server ./proxy/balance ./scenarios/objective
	$(GO) run ./internal/mutate -within 3h -patience 1m -every 10 ./proxy/stream

clean: ## Remove what was built and measured
	rm -rf bin results
