# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# The list of disposable domains: npm's disposable-email-domains as sorted text (deploy/disposable/list.mjs).

# build/disposable/disposable-domains.txt, for all instances of this clone.
disposable_list() {
	local from=$repo/deploy/disposable built=$repo/build/disposable
	local work=$built/npm
	if cmp -s "$from/package-lock.json" "$built/package-lock.json" && cmp -s "$from/list.mjs" "$built/list.mjs"; then return; fi
	npm_ci "$from" "$work" &&
		node "$from/list.mjs" "$work/node_modules/disposable-email-domains" \
			>"$built/disposable-domains.txt.new" 2>>"$state/log/npm.log" &&
		mv "$built/disposable-domains.txt.new" "$built/disposable-domains.txt" &&     # workers have the old one mapped
		cp "$from/list.mjs" "$built/" &&
		mv "$work/package-lock.json" "$built/" &&       # last: from now on it is up to date
		rm -rf "$work"
}

# Into DIR.  The service does not need it, so it starts without one, or with the last one, when npm's registry is away.
disposable_install() {
	local to=$state/disposable-domains.txt
	if ! disposable_list; then
		say disposable "no new list of disposable domains, see $state/log/npm.log"
		return
	fi
	install -p -m 0644 "$repo/build/disposable/disposable-domains.txt" "$to.new" && mv "$to.new" "$to"
	say disposable "$(wc -l <"$to") domains of npm's disposable-email-domains $(disposable_version)"
}

disposable_version() { sed -n 's/.*"disposable-email-domains": "\([0-9.]*\)".*/\1/p' "$repo/deploy/disposable/package.json"; }
