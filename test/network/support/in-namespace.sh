#!/bin/sh
# Runs a command in a network namespace of its own, which ends with it. There are loopback, and two
# ends of one cable with addresses of both families:
#   sluice-a  10.87.0.1  fd87::1        sluice-b  10.87.0.2  fd87::2
set -eu

if [ "${SLUICE_IN_NAMESPACE:-}" != yes ]; then
  export SLUICE_IN_NAMESPACE=yes
  if [ "$(id -u)" = 0 ]; then
    exec unshare --net sh "$0" "$@"
  fi
  if ! unshare --user --map-root-user --net true 2>/dev/null; then
    echo "This test makes a network namespace: run it as root, or allow user namespaces" \
      "(sysctl kernel.unprivileged_userns_clone=1)." >&2
    exit 1
  fi
  exec unshare --user --map-root-user --net sh "$0" "$@"
fi

ip link set lo up
ip link add sluice-a type veth peer name sluice-b
ip address add 10.87.0.1/24 dev sluice-a
ip address add 10.87.0.2/24 dev sluice-b
ip address add fd87::1/64 dev sluice-a nodad
ip address add fd87::2/64 dev sluice-b nodad
ip link set sluice-a up
ip link set sluice-b up
# Browsers look for the address that leads to the world.
ip route add default via 10.87.0.254 dev sluice-b
ip -6 route add default via fd87::ff dev sluice-b
exec "$@"
