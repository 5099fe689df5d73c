# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# build_programs TARGET...: binaries of a preset in build/PRESET/bin; quick when nothing changed.

build_programs() {
	local log=$state/log/build.log
	: >"$log"
	if [[ ! -e $repo/build/$preset/build.ninja || $repo/CMakePresets.json -nt $repo/build/$preset/build.ninja ]]; then
		quietly "$log" cmake -S "$repo" --preset "$preset" || die "cmake --preset $preset failed" "$log"
	fi
	quietly "$log" cmake --build "$repo/build/$preset" --target "$@" || die 'the build failed' "$log"
	say build "$preset: $("$program" --version 2>/dev/null | head -n 1)"
}
