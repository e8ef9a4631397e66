#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# install-packages.sh build|demo|test|gos|bench...: install what a purpose needs from Debian 12, unless it is there already.
# Needs root only when something is missing.
set -euo pipefail

build="make gcc libc6-dev clang llvm bpftool libbpf-dev libelf-dev libdw-dev zlib1g-dev libmicrohttpd-dev libyaml-dev
	libncurses-dev libcurl4-gnutls-dev libjansson-dev libcap-ng-dev libseccomp-dev libcrypt-dev libzydis-dev uthash-dev"
demo="golang-go curl jq"
gos="python3-pip ca-certificates"
bench="wrk bpftrace"
test="libcmocka-dev perl procps binutils file openssl tmux man-db mandoc libclang-rt-14-dev"

missing=()
for purpose; do
	for package in ${!purpose}; do
		case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) in
		ii*) ;;
		*) missing+=("$package") ;;
		esac
	done
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "install-packages.sh: missing: ${missing[*]}; run as root, or: apt-get install ${missing[*]}" >&2
	exit 1
fi
if ! command -v apt-get >/dev/null; then
	echo "install-packages.sh: no apt-get here; install the counterparts of: ${missing[*]}" >&2
	exit 1
fi
echo "installing ${#missing[@]} packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
	tail -20 "$log" >&2
	echo "install-packages.sh: apt-get failed, see above" >&2
	exit 1
fi
