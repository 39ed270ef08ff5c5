# shellcheck shell=bash disable=SC2154
# How install.sh goes from one program to another, to a newer one or back. It is sourced, and knows
# $TOP, $image, $jobs and $restart from there, and say and fail.

has_systemd() { [ -d /run/systemd/system ]; }

link() { # link TARGET NAME: at once, nobody ever finds nothing there
  ln -sfn "$1" "$2.new"
  mv -T "$2.new" "$2"
}

# What the unit of the node may do more where it records pages: with --jobs, and kept from then on.
place_jobs() { # place_jobs UNITS
  local there=/usr/local/lib/systemd/system/sluice-node.service.d/jobs.conf
  if [ -e "$1/with-jobs/jobs.conf" ] && { [ -n "$jobs" ] || [ -e "$there" ]; } && [ -x /usr/bin/chromium ]; then
    install -D -m 644 "$1/with-jobs/jobs.conf" "$there"
  else
    rm -f "$there"
  fi
}

# place RELEASE: makes it the one that is used, with its units and its limits of the kernel.
place() {
  local release=$1 was now script units unit
  was=$(readlink "$TOP/current" 2>/dev/null || true)
  now=releases/$(basename "$release")
  mkdir -p "$TOP/bin" /etc/sluice /usr/local/lib/systemd/system /usr/local/bin
  for script in sluice start; do
    install -m 755 "$release/node-image/image/bin/$script" "$TOP/bin/$script.new"
    mv "$TOP/bin/$script.new" "$TOP/bin/$script"
  done
  [ -n "$was" ] && [ "$was" != "$now" ] && link "$was" "$TOP/previous"
  link "$now" "$TOP/current"
  # shellcheck disable=SC2034 # install.sh says something else then.
  placed=yes
  link current/node-image/image "$TOP/image"
  link "$TOP/bin/sluice" /usr/local/bin/sluice

  units=$release/node-image/image/systemd
  install -m 644 "$units"/sluice* /usr/local/lib/systemd/system/
  if [ "$(systemctl --version | awk 'NR == 1 { print $2 }')" -ge 254 ]; then
    for unit in node agent redis sentinel haproxy certificates livekit@ agents@; do
      install -D -m 644 "$units/since-254/backoff.conf" "/usr/local/lib/systemd/system/sluice-$unit.service.d/backoff.conf"
    done
  fi
  place_jobs "$units"
  install -D -m 644 "$release/node-image/image/sysctl/60-sluice.conf" /etc/sysctl.d/60-sluice.conf
  install -D -m 644 "$release/node-image/image/sysusers/sluice.conf" /etc/sysusers.d/sluice.conf
  install -D -m 644 "$release/node-image/image/tmpfiles/sluice.conf" /etc/tmpfiles.d/sluice.conf
  systemd-sysusers sluice.conf
  systemctl enable --quiet sluice.target
  if has_systemd && [ -z "$image" ]; then
    systemd-tmpfiles --create sluice.conf
    # A container may not set some of them, and has those of its host.
    sysctl --quiet --ignore -p /etc/sysctl.d/60-sluice.conf 2>/dev/null || say 'some values of /etc/sysctl.d/60-sluice.conf cannot be set here; after the next boot they are'
  fi
}

readonly STAYS_UP_S=10
readonly ENTRY_S=60

# Whether a client that comes now is let through to the node: HAProxy sees only every 2 s how it is.
entry_answers() {
  "$TOP/current/runtime/bin/node" -e '
    const options = { host: "127.0.0.1", rejectUnauthorized: false, timeout: 4000, agent: false };
    const asked = require("node:https").get(options, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1));
    asked.on("timeout", () => process.exit(1)).on("error", () => process.exit(1));'
}

# The node drains and starts again, with the configuration that this program makes of boot.json. Where
# it does not stay up, who called is told how to go back.
restart_services() {
  has_systemd && [ -z "$image" ] || return 0
  systemctl daemon-reload
  systemctl is-active --quiet sluice-node.service || return 0
  if [ -z "$restart" ]; then
    say 'the node goes on with the old program until: systemctl restart sluice-node sluice-agent'
    return 0
  fi
  say 'the node drains and starts again with the other program; that may take as long as sluice.drain.deadline'
  systemctl stop sluice-node.service
  systemctl restart sluice-boot.service || say 'the configuration is that of before: sluice boot has failed, see journalctl -u sluice-boot'
  systemctl start sluice-node.service || true
  systemctl try-restart sluice-agent.service sluice-certificates.service
  local i
  for ((i = 0; i < STAYS_UP_S; i++)); do
    sleep 1
    if ! systemctl is-active --quiet sluice-node.service; then
      fail "The node does not stay up with the program $(readlink "$TOP/current"): see journalctl -u sluice-node; to go back, type: $TOP/image/install.sh --rollback"
    fi
  done
  # Behind a load balancer, that looks by itself.
  grep -qs '^    bind :443 ssl' /run/sluice/haproxy/haproxy.cfg || return 0
  for ((i = 0; i < ENTRY_S; i++)); do
    entry_answers && return 0
    sleep 1
  done
  fail "The node runs with the program $(readlink "$TOP/current"), and port 443 does not answer as ready: see journalctl -u sluice-node -u sluice-haproxy; to go back, type: $TOP/image/install.sh --rollback"
}
