#!/usr/bin/env bash
# Writes the Go code of the .proto files beside them, with the generators pinned in ../tools/go.mod.
# Needs protoc (Debian: protobuf-compiler).
set -euo pipefail
cd "$(dirname "$0")"
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
(cd ../tools && GOWORK=off GOBIN=$bin go install \
	google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc)
PATH=$bin:$PATH protoc --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative \
	busv1/bus.proto mediav1/media.proto
# protoc's own version is no part of what it makes: without it, any protoc gives the same files.
sed -i '/^\/\/ \(- \)\?[ \t]*protoc  *v/d;/^\/\/ [ \t]*protoc[ \t]/d' busv1/*.pb.go mediav1/*.pb.go
