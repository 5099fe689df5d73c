# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# The example forms of docs/examples at /try, with ALTCHA's widget from npm. For trying out: they belong to no package.

# build/try: what a browser needs of the widget, without what a strict policy forbids; for all instances of this clone.
try_widget() {
	local built=$repo/build/try
	local work=$built/npm
	local dist=$work/node_modules/altcha/dist
	! cmp -s "$repo/deploy/try/package-lock.json" "$built/package-lock.json" || return 0
	rm -rf "$built"
	npm_ci "$repo/deploy/try" "$work" &&
		mv "$dist/external/altcha.min.js" "$built/altcha.js" &&
		mv "$dist/external/altcha.css" "$built/" &&
		mv "$dist/workers/sha.js" "$built/" &&
		gzip -9n --keep "$built/altcha.js" &&
		mv "$work/package-lock.json" "$built/" &&       # last: from now on it is up to date
		rm -rf "$work"
}

# Into DIR/doc/try.  The forms work without the widget, so they are there when npm's registry is away.
try_install() {
	local page=$repo/docs/examples widget=$repo/build/try to=$state/doc/try file
	rm -rf "$to"
	mkdir -p "$to/assets"
	if try_widget; then
		install -p -m 0644 "$widget"/{altcha.js{,.gz},altcha.css,sha.js} "$to/assets"
	else
		say try "ALTCHA's widget not installed, see $state/log/npm.log"
	fi
	install -p -m 0644 "$page"/*.{js,css} "$to/assets"
	local version
	version=$(cat "$to"/assets/* | sha256sum)       # browsers keep assets for a year: new content, new address
	sed -i "s/VERSION/${version:0:12}/" "$to/assets/widget.js"
	for file in "$page"/*.html; do
		sed "s/VERSION/${version:0:12}/" "$file" >"$to/${file##*/}"
	done
}
