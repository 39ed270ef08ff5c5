#!/bin/bash
# Makes an OCI image of a node, for Podman, Docker and Kubernetes: a Debian root, install.sh run in
# it, packed as layers. No container engine, no daemon: root, debootstrap, and what install.sh needs.
#
# With SOURCE_DATE_EPOCH (s since 1970), the same root gives the same image, byte for byte; what
# debootstrap and install.sh write of times, caches and ids is cleared.
set -euo pipefail
export LC_ALL=C.UTF-8
umask 022

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
readonly HERE ROOT
readonly SUITE=bookworm MIRROR=https://deb.debian.org/debian
# curl: the health check.
readonly BASE_PACKAGES=systemd,systemd-sysv,dbus,ca-certificates,curl
readonly SOURCES=(package.json package-lock.json LICENSE CHANGELOG.md docs node-image scripts/lib)

usage() {
  cat <<'USAGE'
Usage: oci.sh [options], as root

  --output DIR      where the image shall be, as an OCI layout; default ./sluice-oci
  --tag NAME        its name in there; default the version of Sluice
  --base DIR        a root to begin with, such as debootstrap makes it; it is copied. Without it,
                    debootstrap makes one of Debian 12
  --worker FILE     as of install.sh
  --downloads DIR   as of install.sh
  --jobs            as of install.sh: with ffmpeg and Chromium, 700 MB more
  --help

Afterwards: podman pull oci:DIR:NAME, or skopeo copy oci:DIR:NAME docker-daemon:sluice:NAME.
USAGE
}

say() { printf 'oci: %s\n' "$*"; }
fail() {
  printf 'oci: %s\n' "$*" >&2
  exit 1
}

output=sluice-oci tag='' base='' worker='' downloads='' jobs=''
while [ $# -gt 0 ]; do
  case $1 in
    --output | --tag | --base | --worker | --downloads)
      [ $# -ge 2 ] || fail "$1 needs something after it; --help says what there is."
      declare "${1#--}=$2"
      shift
      ;;
    --jobs) jobs=yes ;;
    --help | -h) usage && exit 0 ;;
    *) fail "There is no option $1; --help says what there is." ;;
  esac
  shift
done

[ "$(id -u)" = 0 ] || fail 'This needs root, for files of several owners and a chroot: run it with sudo.'
epoch=${SOURCE_DATE_EPOCH:-$(date +%s)}
[[ $epoch =~ ^[0-9]+$ ]] || fail "SOURCE_DATE_EPOCH is \"$epoch\": it has to be seconds since 1970, or be left out."
[ -n "$tag" ] || tag=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$ROOT/package.json" | head -n 1)
[[ $tag =~ ^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$ ]] || fail "An image cannot have the tag \"$tag\": letters, digits, '.', '_' and '-' will do."
[ -z "$base" ] || [ -d "$base/usr" ] || fail "There is no root in $base: correct --base, or leave it out and debootstrap makes one."
[ -z "$worker" ] || [ -x "$worker" ] || fail "There is no program $worker: correct --worker, or leave it out and the worker is built."
[ -z "$downloads" ] || [ -d "$downloads" ] || fail "There is no folder $downloads: correct --downloads, or leave it out."
[ -n "$base" ] || command -v debootstrap >/dev/null || fail 'debootstrap is not installed: apt-get install debootstrap, or give a root by --base.'
[ ! -e "$output" ] || [ -f "$output/oci-layout" ] || [ -z "$(ls -A "$output")" ] ||
  fail "$output is there, and is no OCI layout: give another folder by --output."
parent=$(dirname "$output")
mkdir -p "$parent"
output=$(cd "$parent" && pwd)/$(basename "$output")

work=$(mktemp -d "${TMPDIR:-/var/tmp}/sluice-oci.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root

if [ -n "$base" ]; then
  cp -a "$base" "$root"
else
  say "Debian $SUITE"
  debootstrap --variant=minbase --include="$BASE_PACKAGES" "$SUITE" "$root" "$MIRROR" >"$work/log" ||
    fail "debootstrap has failed: $(tail -n 1 "$work/log")"
fi

mkdir -p "$root/src" "$root/given" "$work/given"
present=()
for part in "${SOURCES[@]}"; do
  [ ! -e "$ROOT/$part" ] || present+=("$part")
done
(cd "$ROOT" && tar -cf - --exclude=node_modules --exclude=node-image/console/page "${present[@]}") |
  tar -xf - -C "$root/src" --no-same-owner
options=()
if [ -n "$worker" ]; then
  install -m 755 "$worker" "$work/given/worker"
  options+=(--worker /given/worker)
fi
if [ -n "$downloads" ]; then
  cp "$downloads"/*.tgz "$work/given"
  options+=(--downloads /given)
fi
[ -z "$jobs" ] || options+=(--jobs)
touch "$root/etc/resolv.conf"

# What the machine is (names, whom it trusts) is lent to the root, and is not in the image.
# shellcheck disable=SC2016 # Of the inner shell.
unshare --mount --propagation private bash -euc '
  root=$1 given=$2; shift 2
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  for folder in run tmp root; do mount -t tmpfs -o mode=755 tmpfs "$root/$folder"; done
  chmod 1777 "$root/tmp"
  mount --bind "$given" "$root/given"
  for file in /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt; do
    [ ! -e "$root$file" ] || [ ! -e "$file" ] || mount --bind "$(realpath "$file")" "$root$file"
  done
  exec chroot "$root" "$@"' oci "$root" "$work/given" \
  env HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  /src/node-image/image/install.sh --image "${options[@]}" ||
  fail 'install.sh has failed: see above.'

# -- What is of this run, or of one machine, and not of the image ---------------------------------

rm -rf "$root/src" "$root/given"
find "$root/var/log" "$root/var/cache/ldconfig" "$root/var/cache/debconf" "$root/var/lib/dpkg" \
  -type f \( -path '*/var/log/*' -o -name aux-cache -o -name '*-old' \) -delete
find "$root/run" "$root/tmp" "$root/var/tmp" "$root/var/cache/apt" -mindepth 1 -delete
rm -f "$root"/etc/{passwd,group,shadow,gshadow,subuid,subgid}- "$root/var/lib/systemd/random-seed" \
  "$root/var/lib/dbus/machine-id" "$root/etc/hostname"
: >"$root/etc/machine-id"
: >"$root/etc/resolv.conf"
# The day on which a password was last changed: of users that have none.
sed -i -E "s/^([^:]*:[^:]*):[0-9]*:/\1:$((epoch / 86400)):/" "$root/etc/shadow"
# What systemd makes where it runs.
mkdir -p "$root/etc/sluice" "$root/var/lib/sluice/node"
user=$(awk -F: '$1 == "sluice" { print $3 ":" $4 }' "$root/etc/passwd")
[ -n "$user" ] || fail 'The root has no user sluice: install.sh makes it by systemd-sysusers.'
chown "$user" "$root/var/lib/sluice/node"
chmod 700 "$root/var/lib/sluice/node"

say 'layers'
node=$(readlink -f "$root/opt/sluice/releases"/*/runtime)/bin/node
rm -rf "$output.new"
digest=$("$node" "$HERE/lib/oci-layout.mjs" "$root" "$output.new" "$tag" "$epoch") ||
  fail 'The layers cannot be written: see above.'
rm -rf "$output"
mv "$output.new" "$output"
say "$output has sluice:$tag, $digest, $(du -sm "$output" | cut -f1) MB"
