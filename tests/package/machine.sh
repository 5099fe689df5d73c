# shellcheck shell=bash disable=SC2154 # names of tests/package/run
# A bare Debian 12 in a folder, and its systemd as the first process of namespaces of its own: own processes, mounts,
# network (loopback only) and control groups.  Needs root, as debootstrap and mounts do, and no container engine.

machine_base() { # the tree that debootstrap makes, kept for the next time
	[[ ! -e $cache/base/.whole ]] || return 0
	rm -rf "$cache/base"
	quietly "$log" debootstrap --variant=minbase --include=dbus,systemd,systemd-sysv bookworm "$cache/base" || die 'debootstrap failed' "$log"
	touch "$cache/base/.whole"
}

# Into $root, with the host's network but before anything runs there.
machine_install() { # DEB PACKAGE...
	local deb=$1
	shift
	cp -a "$cache/base/." "$root"
	printf '%s\n' 'deb http://deb.debian.org/debian bookworm main' 'deb http://deb.debian.org/debian bookworm-updates main' \
		'deb http://deb.debian.org/debian-security bookworm-security main' >"$root/etc/apt/sources.list"
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 0755 "$root/usr/sbin/policy-rc.d"
	cp /etc/resolv.conf "$root/etc/"
	cp "$deb" "$root/srv/"
	mkdir -p "$cache/archives/partial"
	# shellcheck disable=SC2016 # of the inner shell
	quietly "$log" unshare --mount --pid --fork --kill-child bash -euc '
		root=$1 archives=$2
		shift 2
		mount -t proc proc "$root/proc"
		mount --bind /dev "$root/dev"
		mount --bind "$archives" "$root/var/cache/apt/archives"
		export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
		chroot "$root" apt-get -qq update
		chroot "$root" apt-get -qqy --no-install-recommends -o APT::Keep-Downloaded-Packages=true \
			-o DPkg::Options::=--force-unsafe-io install "$@"
	' - "$root" "$cache/archives" "/srv/${deb##*/}" "$@" || die 'the package cannot be installed' "$log"
	rm "$root/usr/sbin/policy-rc.d"
}

# A control group of ours for all of it, which is also how nothing of it outlives us.
machine_boot() {
	local hierarchy
	hierarchy=$(sed -n 's/^cgroup2 \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -n 1)
	[[ -w $hierarchy ]] || die 'no writable cgroup2 hierarchy: systemd cannot run here'
	group=$hierarchy/bana-package.$$
	mkdir "$group"
	# shellcheck disable=SC2016 # of the inner shell
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec env -i container=bana PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child bash -euc '
			cd "$1"
			mount --bind . . && cd "$1"
			mount -t proc proc proc
			mount -t sysfs -o ro sysfs sys
			mount -t tmpfs tmpfs sys/fs/cgroup
			mount -t cgroup2 cgroup2 sys/fs/cgroup
			mount -t tmpfs tmpfs run
			mount -t tmpfs tmpfs dev
			mkdir dev/pts dev/shm
			mount -t tmpfs tmpfs dev/shm
			for device in null zero full random urandom tty; do
				touch "dev/$device"
				mount --bind "/dev/$device" "dev/$device"
			done
			mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
			ln -s pts/ptmx dev/ptmx
			ln -s /proc/self/fd dev/fd
			mkdir -p .host
			pivot_root . .host
			umount -l /.host
			exec /lib/systemd/systemd --log-target=console --show-status=0
		' - "$root"
	) >"$log.boot" 2>&1 </dev/null &
	unshare_pid=$!
	wait_for 10 machine_find || die 'systemd does not start' "$log.boot"
	wait_for 60 machine_is_up || die 'the machine does not come up' "$log.boot"
}
machine_find() { init=$(pgrep -P "$unshare_pid") && [[ $(readlink "/proc/$init/exe") == */systemd ]]; }
machine_is_up() { [[ $(inside systemctl is-system-running) =~ ^(running|degraded)$ ]]; }

# inside COMMAND...: on that machine, as its root.
inside() { nsenter -t "$init" -m -p -n -u -i -C -r -w env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }

# Whatever happened: its first process dies, and with it every other one and the mounts, which only they had.
machine_end() {
	[[ -z ${unshare_pid-} ]] || kill -KILL "$unshare_pid" 2>/dev/null || :
	[[ -z ${unshare_pid-} ]] || wait "$unshare_pid" 2>/dev/null || :
	[[ -z ${group-} ]] || wait_for 10 group_is_gone || echo "left: $group" >&2
	rm -rf --one-file-system "$root"
}
group_is_gone() { find "$group" -depth -type d -exec rmdir {} \; ; [[ ! -d $group ]]; }
