# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# The API reference that the edge serves from DOC_DIR: our page, and Scalar's bundle from npm.

# build/doc/scalar.js and its .gz, the one file of the package that a browser needs; for all instances of this clone.
doc_bundle() {
	local built=$repo/build/doc
	local work=$built/npm
	! cmp -s "$repo/deploy/doc/package-lock.json" "$built/package-lock.json" || return 0
	rm -rf "$built"
	mkdir -p "$work"
	cp "$repo"/deploy/doc/package{,-lock}.json "$work/"
	quietly "$state/log/npm.log" env npm_config_cache="$work/.npm" npm_config_fetch_retry_mintimeout=1000 \
		npm ci --prefix "$work" --no-audit --no-fund --ignore-scripts &&
		mv "$work/node_modules/@scalar/api-reference/dist/browser/standalone.js" "$built/scalar.js" &&
		gzip -9 --keep "$built/scalar.js" &&
		mv "$work/package-lock.json" "$built/" &&       # last: from now on it is up to date
		rm -rf "$work"
}

# Into DIR/doc.  The service does not need the page, so it starts without one when npm's registry is away.
doc_install() {
	local page=$repo/conf/nginx/doc to=$state/doc version
	if ! doc_bundle; then
		say doc "not installed, see $state/log/npm.log"
		return
	fi
	mkdir -p "$to/assets"
	install -p -m 0644 "$page/start.js" "$repo"/build/doc/scalar.js{,.gz} "$to/assets"
	version=$(cat "$to"/assets/*.js | sha256sum)    # browsers keep assets for a year: new content, new address
	sed "s/VERSION/${version:0:12}/" "$page/index.html" >"$to/index.html"
	sed 's/"doc\//"/' "$to/index.html" >"$to/explorer.html"     # one folder deeper
	say doc "API reference: @scalar/api-reference $(doc_version)"
}

doc_version() { sed -n 's/.*"@scalar\/api-reference": "\([0-9.]*\)".*/\1/p' "$repo/deploy/doc/package.json"; }
