# Everything a person does here. `make help` lists it.

GO      ?= go
BIN     := bin/torture
TIME    ?= 60s
SERVERS ?= 3
NEMESIS ?= all
SEED    ?=
ARGS    ?=

.DEFAULT_GOAL := help
.PHONY: help torture test check bench image clean build

help: ## list the verbs
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make torture SEED=7 TIME=30s NEMESIS=kill-master,partition SERVERS=5"
	@echo "  make torture ARGS='--workers 8 --rate 200'"

torture: build ## run the recipe under faults on a real ensemble and judge it
	@$(BIN) run --time $(TIME) --servers $(SERVERS) --nemesis $(NEMESIS) $(if $(SEED),--seed $(SEED)) $(ARGS)

test: ## run every test, those on a real ensemble included
	@scripts/test

check: ## gofmt, vet, staticcheck
	@scripts/check

bench: build ## measure how fast a backlog drains, against plain writes in the same run
	@$(BIN) bench

image: build ## find or build the ZooKeeper image
	@$(BIN) image

build: ## build the commands into bin/
	@$(GO) build -o bin/ ./cmd/...

clean: ## remove what was built; results stay
	rm -rf bin
