# Everything a person does here. `make help` lists it.

GO      ?= go
BIN     := bin/torture
TIME    ?= 60s
SERVERS ?= 3
NEMESIS ?= all
SEED    ?=
ARGS    ?=
ON      ?= model,tests,memory,ensemble
ONLY    ?=
RUN     ?= results/latest

.DEFAULT_GOAL := help
.PHONY: help torture memory soak profiles explore spec trace test nightly mutants quick check bench image clean build

help: ## list the verbs
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make torture SEED=7 TIME=30s NEMESIS=kill-master,partition SERVERS=5"
	@echo "  make torture ARGS='--workers 8 --rate 200'"

torture: build ## run the recipe under faults on a real ensemble and judge it
	@$(BIN) run --time $(TIME) --servers $(SERVERS) --nemesis $(NEMESIS) $(if $(SEED),--seed $(SEED)) $(ARGS)

memory: build ## the same in memory and virtual time: no Docker, a verdict in seconds
	@$(BIN) run --ensemble memory --time $(TIME) --nemesis $(NEMESIS) $(if $(SEED),--seed $(SEED)) $(ARGS)

soak: build ## run after run, each with its own seed, for TIME; keep what failed
	@$(BIN) soak --time $(TIME) --servers $(SERVERS) --nemesis $(NEMESIS) $(if $(SEED),--seed $(SEED)) $(ARGS)

profiles: build ## ten seeds of each server profile, or of ONLY="quota read-only": RUNS, LOAD and SEED
	@ARGS="$(ARGS)" scripts/profiles $(ONLY)

explore: build ## model-check the recipe's own code: every interleaving and fault within bounds
	@scripts/explore

spec: build ## have TLC check the TLA+ specification, and compare with the manifest
	@$(BIN) spec $(ARGS)

trace: build ## hold a stored run against the TLA+ specification, with TLC: RUN=results/...
	@$(BIN) trace $(ARGS) $(RUN)

nightly: build ## what takes longer: a world of 30,000,000 states, 100,000 operations and 100,000 raw requests against both ZooKeeper versions, 2,000 schedules, every planted defect that a model can see
	@$(BIN) explore --masters 1 --workers 2 --crashes 1 --reduce none --time 20m
	@RINGMASTER_NIGHTLY=1 $(GO) test -count=1 -timeout 60m -v -run 'TestModel_AgreesWithZooKeeper|TestServe_AgreesWithZooKeeper|TestModel_SchedulesReplayOnZooKeeper' ./internal/integration
	@$(BIN) mutants --on model --budget 4m

mutants: build ## plant defects, one after the other, and see which checks notice: ONLY=two-writes,... ON=model,tests,memory,ensemble
	@$(BIN) mutants --on $(ON) --budget 90s $(if $(ONLY),--only $(ONLY)) --results results/mutants.json $(ARGS)

quick: ## vet, and every test that takes no Docker and no patience: for use while coding
	@$(GO) vet ./... && $(GO) test -short ./... | grep -v 'no test files'

test: ## run every test, those on a real ensemble included
	@scripts/test

check: ## gofmt, vet, staticcheck
	@scripts/check

bench: build ## measure the recipes against plain writes and other people's queues, locks, elections and counters, the explorer against a plain map, the checker against porcupine alone, the ZooKeeper in memory against an echo and fsyncs, a decision beside many tasks against one beside few
	@$(BIN) bench --suite drain,lone,reads,submit,idle,kill
	@$(BIN) bench --suite neighbour --tasks 100000
	@$(BIN) bench --suite residents --tasks 100000
	@$(BIN) bench --suite cost --servers 1
	@$(BIN) bench --suite peers
	@$(BIN) bench --suite lock,election,counter,queue
	@$(GO) test -run '^$$' -bench Serve -benchtime 1x ./model/zk/serve
	@$(GO) test -run '^$$' -bench Pending -benchtime 1x ./internal/masterworker/judge
	@$(GO) test -run '^$$' -bench Million -benchtime 1x ./torture
	@$(GO) test -run '^$$' -bench Explore -benchtime 1x ./internal/masterworker/world
	@$(GO) test -run '^$$' -bench Load -benchtime 3x ./recipe/store
	@$(GO) test -run '^$$' -bench Decide -benchtime 200ms ./recipe/internal/decide

image: build ## find or build the ZooKeeper image
	@$(BIN) image

build: ## build the commands into bin/
	@$(GO) build -o bin/ ./cmd/...

clean: ## remove what was built; results stay
	rm -rf bin
