# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# What the edge serves from DOC_DIR: the page of live inquiries with the client of the rooms, the back office, and the
# API reference (our page, and Scalar's bundle from npm).

# build/doc/scalar.js and its .gz, the one file of the package that a browser needs; for all instances of this clone.
doc_bundle() {
	local built=$repo/build/doc
	local work=$built/npm
	! cmp -s "$repo/deploy/doc/package-lock.json" "$built/package-lock.json" || return 0
	rm -rf "$built"
	npm_ci "$repo/deploy/doc" "$work" &&
		mv "$work/node_modules/@scalar/api-reference/dist/browser/standalone.js" "$built/scalar.js" &&
		gzip -9n --keep "$built/scalar.js" &&
		mv "$work/package-lock.json" "$built/" &&       # last: from now on it is up to date
		rm -rf "$work"
}

# doc_page HTML ASSET...: the page with its assets in DIR/doc.
doc_page() {
	local page=$1 version
	shift
	install -p -m 0644 "$@" "$to/assets"
	version=$(cat "$@" | sha256sum)         # browsers keep assets for a year: new content, new address
	sed "s/VERSION/${version:0:12}/" "$page" >"$to/${page##*/}"
}

# Into DIR/doc.  The service does not need the reference, so it starts without one when npm's registry is away.
doc_install() {
	local page=$repo/conf/nginx/doc client=$repo/conf/nginx/client bundle=$repo/build/doc/scalar.js to=$state/doc
	mkdir -p "$to/assets"
	doc_page "$client/observe.html" "$client"/{observe.js,observer.mjs}
	mkdir -p "$to/bo"
	install -p -m 0644 "$repo"/conf/nginx/bo/* "$to/bo"         # always asked for again, so without versions
	if ! doc_bundle; then
		say doc "API reference not installed, see $state/log/npm.log"
		return
	fi
	doc_page "$page/index.html" "$page/start.js" "$bundle"{,.gz}
	sed 's/"doc\//"/' "$to/index.html" >"$to/explorer.html"     # one folder deeper
	say doc "API reference: @scalar/api-reference $(doc_version)"
}

doc_version() { sed -n 's/.*"@scalar\/api-reference": "\([0-9.]*\)".*/\1/p' "$repo/deploy/doc/package.json"; }
