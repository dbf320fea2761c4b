# What people run here. `make test` is what CI runs: it installs what it needs on Debian, as root or with sudo.

MODULES := proto services/media services/roomstate services/signaling services/ctl services/standalone tools e2e
# deploy/check is a module too, and on purpose neither here nor in go.work: it compiles much of Kubernetes. make deploy-check
# tests it.
# Most of each test is waiting: more of them at once than there are cores.
GO_TEST := go test -race -timeout 10m -parallel 4

.PHONY: help test deps check unit e2e conformance bench bench-links bench-doc chaos joins relay simulate soak load profile compose compose-test deploy-check manifests images fuzz security vuln generate tidy build clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort | expand -t 16

test: deps check unit e2e ## everything that CI runs

deps: ## packages for the tests: browser, NATS, Redis, Janus and its clients
	@./deploy/deps.sh

check: ## formatting, vet, tidiness, generated code, every module by itself
	@./deploy/check.sh

unit: ## tests of each module, in process, with the race detector
	$(GO_TEST) work

e2e: ## browsers, real servers and a real Janus; leaves artifacts/e2e
	cd e2e && go test -tags e2e -timeout 20m -count 1 -v .

conformance: ## Cardea beside Debian's Janus: how many steps are equal, and what differs (SEED=7 for other sequences, SEQUENCES=24 for more, JANUS=/path/to/janus for another Janus)
	@mkdir -p artifacts
	cd e2e && go test -tags e2e -timeout 9m -count 1 -run 'TestConformance$$' . \
		-janus $(or $(JANUS),janus) -conformance.seed $(or $(SEED),1) -conformance.sequences $(or $(SEQUENCES),12) -conformance.report ../artifacts/conformance.txt; \
		code=$$?; cat ../artifacts/conformance.txt; exit $$code

bench: deps ## Cardea beside Janus under load, over network namespaces (needs root; BENCH_QUICK=1 for a look)
	@./deploy/bench.sh

bench-links: deps ## Chromium behind bad links, through Cardea and Janus (needs root)
	@./deploy/bench-links.sh

bench-doc: ## the outcomes of both into docs/benchmarks.md
	@./deploy/bench-doc.sh

joins: deps ## signalling without media beside Janus: memory of sessions, cost of joins (JOINS_ROUNDS, JOINS_CROWD)
	@./deploy/joins.sh

relay: ## what a relay between two media nodes costs, and by how much media comes later (needs nats-server and redis-server; ROUNDS, DURATION)
	@./deploy/relay.sh

simulate: ## roomstate with a hundred thousand sessions, on a clock of its own (needs redis-server; SEED, SESSIONS, ROOMS, NODES)
	@./deploy/simulate.sh

chaos: deps ## services, stores and links fail under calls, over network namespaces (needs root; CHAOS_SEED=7, CHAOS_ONLY=edge,nats, CHAOS_LONG=10m)
	@./deploy/chaos.sh

soak: ## people, and kills, for an hour in a cluster of processes, which must be as it was in the end (DURATION, SEED, PEOPLE); leaves artifacts/soak
	@./deploy/soak.sh

load: ## a working day in a cluster of processes, compressed, and a table by its phases (DURATION, PEOPLE, SEED; deploy/load.sh --help); leaves artifacts/load
	@./deploy/load.sh

profile: ## where CPU time and memory go under load (needs root)
	@./deploy/profile.sh

compose: ## docker-compose up, with images that tell their version (needs a Docker engine; DETACH=-d)
	@set -a; eval "$$(deploy/version.sh)"; $(or $(COMPOSE),docker-compose) up --build $(DETACH)

compose-test: ## docker-compose.yml brought up for real (needs a Docker engine)
	@./deploy/compose-test.sh

deploy-check: ## chart, manifests and Compose file against Helm, the Kubernetes API and the services; a call, if Docker runs (DEPLOY_CHECK_ALL=1 fails if anything is skipped)
	@./deploy/deploy-check.sh

manifests: ## deploy/kubernetes, from the chart
	cd deploy/check && GOWORK=off GOFLAGS=-p=1 go run ./manifests

images: ## programs and images for amd64 and arm64, with lists of what they are made of (PUSH=registry/team pushes them)
	@./deploy/images.sh

fuzz: ## every fuzz target for ten seconds each, or as FUZZ says (a time, or a number of inputs: FUZZ=1000000x)
	@./deploy/fuzz.sh $(FUZZ)

security: ## the tests that docs/security.md names, and the fuzz targets (FUZZ as above)
	@./deploy/security.sh $(FUZZ)

vuln: ## whether the services use code that is known to be vulnerable (needs vuln.go.dev, or GOVULNDB)
	@./deploy/vuln.sh

generate: ## Go code of the .proto files, samples and reference of settings
	proto/generate.sh
	deploy/samples.sh

tidy: ## go.mod, go.sum and go.work in order
	go work sync
	@for m in $(MODULES); do (cd $$m && GOWORK=off go mod tidy) || exit 1; done

build: ## the services and tools, into bin/
	@mkdir -p bin
	go build -o bin/ ./services/standalone ./services/signaling/cmd/signaling ./services/roomstate/cmd/roomstate \
		./services/media/cmd/media ./services/ctl/cmd/cardea-ctl ./tools/loadtest

clean: ## what builds and tests leave
	rm -rf bin artifacts
