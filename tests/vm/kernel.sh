#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# kernel.sh CACHE SERIES: a Debian cloud kernel of a series (6.1, 6.12), downloaded and unpacked under CACHE. Prints the
# folder, which holds vmlinuz, release (as uname -r says) and modules/ with a file `order`. Nothing is installed.
#
# Package names carry an ABI number that moves with each security update, so they are looked up. What has been unpacked
# once is used again; without a network the newest one that is there will do.
set -euo pipefail
cache=$1
series=$2

# What the guest needs before it can see the host's files, in the order insmod wants. Some are built in, depending on the
# kernel; virtio_ring before virtio, or symbols are missing.
modules='virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci fuse virtiofs overlay'

newest_package() {
	apt-cache search --names-only "^linux-image-${series//./\\.}\.[0-9]+(-[0-9]+|\+deb[0-9]+)-cloud-amd64$" |
		awk '{ print $1 }' | sort -V | tail -1
}

newest_cached() {
	find "$cache" -maxdepth 1 -name "linux-image-$series.*-cloud-amd64" 2>/dev/null | sort -V | tail -1
}

unpack() { # PACKAGE
	local dir=$cache/$1.new name file
	rm -rf "$dir"
	mkdir -p "$dir/modules" "$dir/deb"
	(cd "$dir/deb" && apt-get -q download "$1") >&2
	dpkg -x "$dir"/deb/*.deb "$dir/tree"
	mv "$dir"/tree/boot/vmlinuz-* "$dir/vmlinuz"
	(cd "$dir/tree/lib/modules" && ls) >"$dir/release"
	for name in $modules; do
		file=$(find "$dir/tree/lib/modules" -name "$name.ko*" | head -1)
		case $file in
		'') continue ;; # built in
		*.xz) xz -dc "$file" >"$dir/modules/$name.ko" ;;
		*.ko) cp "$file" "$dir/modules/" ;;
		*) echo "kernel.sh: $file: unknown compression" >&2; return 1 ;;
		esac
		echo "$name.ko" >>"$dir/modules/order"
	done
	rm -rf "$dir/deb" "$dir/tree"
	mv "$dir" "$cache/$1"
}

mkdir -p "$cache"
package=$(newest_package)
if [ -z "$package" ] && [ "$(id -u)" = 0 ]; then
	apt-get -q update >&2 || true
	package=$(newest_package)
fi
if [ -n "$package" ] && [ ! -e "$cache/$package" ]; then
	# The list may be older than the archive: then the file it names is gone.
	unpack "$package" || { apt-get -q update >&2 && package=$(newest_package) && unpack "$package"; } || package=
fi
dir=${package:+$cache/$package}
[ -n "$dir" ] || dir=$(newest_cached)
[ -n "$dir" ] || { echo "kernel.sh: no Debian cloud kernel $series to be had" >&2; exit 1; }
echo "$dir"
