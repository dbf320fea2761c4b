#!/usr/bin/env bash
# Puts what make bench and make bench-links have left in artifacts/bench into docs/benchmarks.md, between its marks, and the
# drawings beside it.
set -euo pipefail
cd "$(dirname "$0")/.."
doc=docs/benchmarks.md
for name in bench links; do
	table=artifacts/bench/$name.md
	[ -f $table ] || { echo "$table is missing; its part stays as it is"; continue; }
	awk -v name="$name" -v table="$table" '
		$0 == "<!-- end of " name " -->" { inside = 0 }
		!inside { print }
		$0 == "<!-- " name " -->" { inside = 1; while ((getline line < table) > 0) print line }
	' $doc >$doc.new
	mv $doc.new $doc
done
for drawing in artifacts/bench/links-*.svg; do
	[ -f "$drawing" ] || break
	mkdir -p docs/links
	cp "$drawing" docs/links/
done
