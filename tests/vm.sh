#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# vm.sh [BUILD [TEST...]]: runs tests inside virtual machines with Debian's cloud kernels, as many at once as there are
# processors and memory for, and prints TAP: for each kernel a point for each test and one for the kernel's own log.
# Without TEST: every tests/live/*.t that has a line `# vm: yes`, and on one of the kernels those with `# vm: SERIES`, for
# which one is a sample.
# alone: two emulated machines take both processors
#
# The guest sees the host's root read only, under an overlay, so what is installed here is what is tested there. Logs and
# unpacked kernels lie in BUILD/vm. Missing packages are installed when this is root on a Debian system. Settings:
#   VM_KERNELS='6.1 6.12'   series to run        VM_TEST_SECONDS=900   for one test
#   VM_ACCEL=tcg|kvm        do not find out      VM_MEMORY_MB=2048
#   VM_ALL=1                each on all kernels  VM_JOBS=2             machines at once
set -euo pipefail
cd "$(dirname "$0")/.."
project=$PWD
mkdir -p "${1:-build}"
build=$(cd "${1:-build}" && pwd)
shift $(($# > 0))
work=$build/vm
kernels=${VM_KERNELS:-6.1 6.12}
limit=${VM_TEST_SECONDS:-900}
memory=${VM_MEMORY_MB:-2048}
virtiofsd=/usr/lib/qemu/virtiofsd
complaint='Oops|BUG:|WARNING:|Kernel panic|soft lockup|rcu.*stall'

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

missing() {
	for tool in qemu-system-x86_64 xz gzip apt-cache dpkg flock; do
		command -v $tool >/dev/null || echo $tool
	done
	[ -x $virtiofsd ] || echo virtiofsd
	busybox 2>/dev/null | grep insmod >/dev/null || echo busybox # -q would end it by a signal
}

find_tests() {
	local test
	for test in tests/live/*.t; do
		if [ -x "$test" ] && grep -q '^# vm: ' "$test"; then echo "$test"; fi
	done
}
is_for() { # SERIES TEST
	[ -n "$named" ] || [ -n "${VM_ALL-}" ] || grep -qxE "# vm: (yes|${1//./\\.})" "$2"
}

# The guest's first file system: busybox, the modules, our init and what it is to run.
pack_initrd() { # KERNEL_DIR OUTPUT ARGUMENTS...
	local root=$2.d applet
	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,proc,sys,host,overlay,root,modules}
	cp "$(command -v busybox)" "$root/bin/"
	for applet in sh mount mkdir ln insmod stty uname ifconfig hostname chroot poweroff; do
		ln -s busybox "$root/bin/$applet"
	done
	touch "$root/modules/order"
	cp "$1"/modules/* "$root/modules/"
	cp tests/vm/init "$root/init"
	chmod +x "$root/init"
	printf '%s\n' "${@:3}" >"$root/arguments"
	(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$2"
	rm -rf "$root"
}

await() { # SECONDS PID COMMAND...: until COMMAND succeeds; false when the time is over or PID has ended before
	local deadline=$((SECONDS + $1)) pid=$2
	shift 2
	until "$@"; do
		kill -0 "$pid" 2>/dev/null || { "$@" && return; return 1; }
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.1
	done
}

# Whatever ends this script ends its virtual machines: each has a subshell of its own, which ends it.
machines=()
stop_all() {
	[ ${#machines[@]} = 0 ] || kill "${machines[@]}" 2>/dev/null || true
	wait
}
trap stop_all EXIT
trap 'exit 130' INT TERM
fs='' qemu='' socket=''
stop() {
	[ -z "$qemu" ] || kill "$qemu" 2>/dev/null || true
	[ -z "$fs" ] || kill "$fs" 2>/dev/null || true
	[ -z "$socket" ] || rm -f "$socket"
}

# QEMU from start to power-off. With UP_SECONDS it must show sign of life by then. thread=single: with two translating
# threads QEMU 7.2 kills programs that carry two single-stepped probes.
boot() { # ACCEL KERNEL_DIR LOG_DIR SECONDS [UP_SECONDS]
	local accel=$1 kernel=$2 log=$3 status=0
	local -a cpu=(-accel tcg,thread=single -cpu max)
	[ "$accel" = tcg ] || cpu=(-accel kvm -cpu host,-arch-capabilities)
	socket=$(mktemp -u "${TMPDIR:-/tmp}/deferd-vm.XXXXXX") # a socket's path may not be long
	rm -f "$log/console" "$log/result"
	touch "$log/result"
	$virtiofsd --socket-path="$socket" -o source=/ -o cache=always -o sandbox=chroot >"$log/virtiofsd" 2>&1 &
	fs=$!
	await 10 $fs test -S "$socket" || { echo "virtiofsd did not start, see $log/virtiofsd" >&2; return 1; }
	timeout -k 5 "$4" qemu-system-x86_64 "${cpu[@]}" -M q35 -m "$memory" -smp 2 -nodefaults -no-user-config \
		-display none -no-reboot -serial "file:$log/console" -serial "file:$log/result" \
		-object "memory-backend-memfd,id=mem,size=${memory}M,share=on" -numa node,memdev=mem \
		-chardev "socket,id=fs,path=$socket" -device vhost-user-fs-pci,chardev=fs,tag=hostroot \
		-kernel "$kernel/vmlinuz" -initrd "$log/initrd" \
		-append 'console=ttyS0 panic=-1 loglevel=5' </dev/null >"$log/qemu" 2>&1 &
	qemu=$!
	if [ -n "${5-}" ] && ! await "$5" $qemu grep -q '^deferd-vm: up' "$log/result"; then
		kill $qemu 2>/dev/null || true
		status=1
	fi
	wait $qemu || status=1
	qemu=''
	kill $fs 2>/dev/null || true
	wait $fs || true
	fs=''
	rm -f "$socket"
	return $status
}

# /dev/kvm being there does not mean that a stock kernel boots with it: so it is tried, once a build folder.
boot_somehow() { # KERNEL_DIR LOG_DIR SECONDS
	case ${VM_ACCEL:-} in
	tcg | kvm) boot "$VM_ACCEL" "$@" || true; return ;;
	esac
	if [ -w /dev/kvm ] && [ ! -e "$work/no-kvm" ]; then
		boot kvm "$@" 15 && return
		if grep -q '^deferd-vm: up' "$2/result"; then return; fi
		echo "# /dev/kvm: no sign of life within 15 s ($(head -1 "$2/qemu")): falling back to TCG" |
			tee "$work/no-kvm"
	elif [ -e "$work/no-kvm" ]; then
		echo "# TCG: KVM did not boot a kernel here before (delete $work/no-kvm to try again)"
	fi
	boot tcg "$@" || true
}

point=0
failed=0
report() { # STATUS DESCRIPTION
	point=$((point + 1))
	if [ "$1" = 0 ]; then echo "ok $point - $2"; else echo "not ok $point - $2"; failed=1; fi
}

# One test's TAP in, one line out: "ok", "ok # SKIP reason" or what is wrong with it.
judge() { # TAP STATUS
	awk -v status="$2" '
		/^1\.\.[0-9]+/ { plan = substr($1, 4); planned = 1; if (/# *[Ss][Kk][Ii][Pp]/) { skip = $0; sub(/.*# */, "# ", skip) } }
		/^ok/ { points++ }
		/^not ok/ { points++; bad++ }
		/^Bail out!/ { bail = 1 }
		END {
			if (status == 124 || status == 137) print "out of time"
			else if (bail) print "bailed out"
			else if (bad) print bad " of " points " points failed"
			else if (status != 0) print "exit status " status
			else if (!planned) print "no plan"
			else if (plan != points + 0) print points + 0 " points, " plan " planned"
			else if (skip) print "ok " skip
			else print "ok"
		}' "$1"
}

report_test() { # RELEASE LOG_DIR TEST
	local tap verdict end
	tap=$2/$(basename "$3").tap
	end=$(awk -v test="$3" '$1 == "deferd-vm:" && $2 == "end" && $3 == test { print $4, $5 }' "$2/result")
	awk -v test="$3" '
		$1 == "deferd-vm:" { on = ($2 == "begin" && $3 == test); next }
		on && NF { sub(/\r$/, ""); print }' "$2/result" >"$tap"
	sed 's/^/#   /' "$tap"
	if [ -z "$end" ]; then
		verdict="the guest did not finish it, see $2/console"
	else
		verdict=$(judge "$tap" "${end% *}")
	fi
	case $verdict in
	ok) report 0 "$1 $3 (${end#* } s)" ;;
	ok*) report 0 "$1 $3 ${verdict#ok }" ;;
	*) report 1 "$1 $3: $verdict" ;;
	esac
}

# Its tests, in `chosen`.
choose() { # SERIES
	local test
	chosen=()
	for test in "${tests[@]}"; do ! is_for "$1" "$test" || chosen+=("$test"); done
}

# From the kernel's package to power-off. What there is to say stands in its log directory: how it was booted in `booted`.
run_kernel() { # SERIES
	local log=$work/log/$1 kernel
	trap stop EXIT
	trap 'exit 130' INT TERM
	kernel=$(<"$log/kernel")
	choose "$1"
	pack_initrd "$kernel" "$log/initrd" "$project/tests/vm/guest.sh" "$build" "$limit" "${chosen[@]}"
	boot_somehow "$kernel" "$log" $((120 + limit * ${#chosen[@]})) >"$log/booted" 2>&1
	rm -f "$log/initrd"
}

find_kernel() { # SERIES: 0 when there is one, its directory in the log directory's `kernel`
	local log=$work/log/$1
	rm -rf "$log"
	mkdir -p "$log"
	touch "$log"/{console,result,qemu,booted}
	bash tests/vm/kernel.sh "$work/kernels" "$1" >"$log/kernel" 2>"$log/no-kernel"
}

fit() { # how many machines this one has processors and memory for
	awk -v memory="$memory" -v n="$(nproc)" '$1 == "MemAvailable:" { m = int($2 / 1024 / memory) }
		END { m = m < n ? m : n; print m < 1 ? 1 : m }' /proc/meminfo
}

report_kernel() { # SERIES
	local log=$work/log/$1 release test status
	choose "$1"
	if [ ! -s "$log/kernel" ]; then
		sed 's/^/# /' "$log/no-kernel"
		for test in "${chosen[@]}" 'kernel log'; do report 0 "$1 $test # SKIP no Debian cloud kernel $1"; done
		return
	fi
	release=$(<"$(<"$log/kernel")/release")
	sed 's/^\([^#]\)/# \1/' "$log/booted"
	for test in "${chosen[@]}"; do report_test "$release" "$log" "$test"; done
	grep -E "$complaint" "$log/console" | head -20 | sed 's/^/# /' || true
	if ! grep -q '^deferd-vm: exit' "$log/result"; then
		grep '^deferd-vm: failed' "$log/result" | sed 's/^/# /' || true
		tail -5 "$log/qemu" | sed 's/^/# qemu: /'
		report 1 "$release: the guest did not come to its end, see $log"
	else
		! grep -qE "$complaint" "$log/console" && status=0 || status=1
		report $status "$release: the kernel has nothing to complain of"
	fi
}

[ "$(uname -m)" = x86_64 ] || skip_all "the guests are x86_64, this is $(uname -m)"
named=${1-}
if [ $# = 0 ]; then
	mapfile -t tests < <(find_tests)
	[ ${#tests[@]} -gt 0 ] || skip_all 'no test in tests/live is marked "# vm: "'
	set -- "${tests[@]}"
fi
if [ -n "$(missing)" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "# installing what is missing: $(missing | xargs)"
	{ apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends \
		qemu-system-x86 busybox-static xz-utils; } >&2 || true
fi
[ -z "$(missing)" ] || skip_all "not installed: $(missing | xargs)"
mkdir -p "$work"
exec 9>"$work/lock"
flock -n 9 || { echo "# waiting for another vm.sh"; flock 9; }

# What lies outside of the project may be hidden or gone in the guest by the time it runs.
tests=()
for test; do
	[ -x "$test" ] || { echo "vm.sh: $test is not executable" >&2; exit 2; }
	case $(realpath "$test") in
	"$project"/*) tests+=("$test") ;;
	*) mkdir -p "$work/tests" && cp "$test" "$work/tests/" && tests+=("$work/tests/$(basename "$test")") ;;
	esac
done

(. tests/vm/environment && BUILD=$build DEFERD=$build/deferd tests/lib/fixtures.sh) >"$work/fixtures.log" 2>&1 ||
	sed 's/^/# fixtures: /' "$work/fixtures.log"
at_once=${VM_JOBS:-$(fit)}
for series in $kernels; do
	find_kernel "$series" || continue
	while [ "$(jobs -rp | wc -l)" -ge "$at_once" ]; do wait -n || true; done
	run_kernel "$series" &
	machines+=($!)
done
wait
machines=()
for series in $kernels; do report_kernel "$series"; done
echo "1..$point"
exit $failed
