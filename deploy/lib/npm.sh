# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# Packages of npm for parts that may be missing: who has no registry waits for it once, and not long.

npm_is_away=

# npm_ci FROM WORK: what FROM/package-lock.json names into WORK/node_modules; output in DIR/log/npm.log.  npm's own limits
# are 5 minutes and 3 tries, for each package.  Once the network has failed, nobody after that tries again.
npm_ci() {
	local from=$1 work=$2 log=$state/log/npm.log seen
	[[ -z $npm_is_away ]] || return 1
	mkdir -p "$work"
	cp "$from"/package{,-lock}.json "$work/"
	seen=$(wc -c 2>/dev/null <"$log" || echo 0)
	quietly "$log" env npm_config_cache="$work/.npm" npm_config_fetch_timeout="${npm_config_fetch_timeout:-20000}" \
		npm_config_fetch_retries="${npm_config_fetch_retries:-1}" npm_config_fetch_retry_mintimeout=1000 \
		npm ci --prefix "$work" --no-audit --no-fund --ignore-scripts && return
	! tail -c "+$((seen + 1))" "$log" | grep -Eq 'code (FETCH_ERROR|E(RR_SOCKET_|IDLE|REQUEST|SOCKET|CONNECTION|RESPONSE)?_?TIME(D)?OUT|ECONN[A-Z]+|E(HOST|NET)(UNREACH|DOWN)|ENOTFOUND|EAI_[A-Z]+)' ||
		npm_is_away=1
	return 1
}
