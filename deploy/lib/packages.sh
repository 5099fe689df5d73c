# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# Debian packages: deploy/packages says which, this installs those that are missing, and starts no service.
# Wants $repo, lib/say.sh, and `trap allow_services EXIT` of the program that uses it.

# packages_missing GROUP...
packages_missing() {
	local group='' line package command wanted=" $* " candidates=()
	while read -r line; do
		line=${line%%#*}
		case $line in
			'') ;;
			\[*\]) group=${line//[\[\]]/} ;;
			*)
				read -r package command <<<"$line"
				[[ $wanted == *" $group "* ]] || continue
				[[ -z $command ]] || ! command -v "$command" >/dev/null || continue
				candidates+=("$package")
				;;
		esac
	done <"$repo/deploy/packages"
	((${#candidates[@]} > 0)) || return 0
	# One look at dpkg's list for all of them: it is long.
	comm -23 <(printf '%s\n' "${candidates[@]}" | sort) \
		<(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${candidates[@]}" 2>/dev/null | sed -n 's/^installed //p' | sort)
}

# packages_install LOG GROUP...: nothing to do is the usual case, and quick.
packages_install() {
	local log=$1 missing
	shift
	mapfile -t missing < <(packages_missing "$@")
	if ((${#missing[@]} == 0)); then
		say packages 'all present'
		return
	fi
	((EUID == 0)) || die "these packages are missing, and only root can install them: ${missing[*]}"
	note "installing ${#missing[@]} packages, output in $log"
	forbid_services
	export DEBIAN_FRONTEND=noninteractive
	quietly "$log" dpkg --configure -a || :         # an interrupted run before us
	quietly "$log" apt-get update || die 'apt-get update failed' "$log"
	quietly "$log" apt-get install -y --no-install-recommends "${missing[@]}" || die 'apt-get install failed' "$log"
	allow_services
	say packages "installed: ${missing[*]}"
}

# Debian starts a service as it installs it, unless this script says no (101).  An administrator's own stays.
policy=/usr/sbin/policy-rc.d
policy_is_ours=
forbid_services() {
	[[ ! -e $policy ]] || return 0
	policy_is_ours=1
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 0755 $policy
}
allow_services() {
	[[ -z $policy_is_ours ]] || rm -f $policy
	policy_is_ours=
}
