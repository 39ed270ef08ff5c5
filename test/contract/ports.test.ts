import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  MAX_WORKERS,
  NEXT_NODE_BASE,
  PORT_RANGES,
  PORT_USES,
  PORTS,
  ROLES,
} from '../../node-image/contract';

describe('the table of ports', () => {
  it('holds a UDP and a TCP port for each worker there can be', () => {
    for (const { start, end } of [PORT_RANGES.iceUdp, PORT_RANGES.iceTcp]) {
      assert.equal(end - start + 1, MAX_WORKERS);
    }
  });

  it('has no TCP port twice', () => {
    const { iceUdp, iceUdpDevelopment, iceTcp, turnUdpEntry, ...tcp } = PORTS;
    const fixed = Object.values(tcp);
    assert.equal(new Set(fixed).size, fixed.length);
    for (const port of fixed) {
      assert.ok(port < PORT_RANGES.iceTcp.start || port > PORT_RANGES.iceTcp.end, String(port));
    }
  });

  it('has no two ranges of UDP ports that overlap', () => {
    const ranges = [PORT_RANGES.iceUdp, PORT_RANGES.turnRelay, PORT_RANGES.pipes].sort(
      (one, other) => one.start - other.start,
    );
    ranges.slice(1).forEach((range, index) => {
      assert.ok(range.start > (ranges[index]?.end ?? 0));
    });
  });

  it('says of every port which nodes listen on it, and has none twice for a role', () => {
    for (const role of ROLES) {
      const uses = PORT_USES.filter(({ roles }) => roles.includes(role));
      for (const protocol of ['tcp', 'udp'] as const) {
        const spans = uses
          .filter((use) => use.protocol === protocol)
          .sort((one, other) => one.start - other.start);
        spans.slice(1).forEach(({ what, start }, index) => {
          assert.ok(start > (spans[index]?.end ?? 0), `${role}: ${what}`);
        });
      }
    }
    const said = new Set(PORT_USES.map(({ start }) => start));
    // Redis of own machines: in a cloud it has a firewall of its own.
    const { entry, iceUdpDevelopment, redis, sentinel, ...fixed } = PORTS;
    for (const port of Object.values(fixed)) assert.ok(said.has(port), String(port));
    for (const { start } of Object.values(PORT_RANGES)) assert.ok(said.has(start), String(start));
  });

  it('leaves the world nothing of the node link and the metrics', () => {
    const open = PORT_USES.filter(({ from }) => from === 'clients').map(({ start }) => start);
    assert.ok(!open.includes(PORTS.nodeLink) && !open.includes(PORTS.metrics));
    // Who reached it past the load balancer could say any address in a PROXY header.
    assert.ok(!open.includes(PORTS.entryBehindBalancer) && !open.includes(PORTS.entryHealth));
  });

  it('does for several nodes on one host, each with a base of its own', () => {
    const fixed = PORT_USES.filter(({ start, end }) => end - start < MAX_WORKERS);
    for (const { start, end, protocol, what } of fixed) {
      for (const other of fixed.filter((use) => use.protocol === protocol)) {
        for (let node = 1; node <= 8; node += 1) {
          const base = node * NEXT_NODE_BASE;
          const apart = other.start + base > end || other.end + base < start;
          assert.ok(apart, `${what} and ${other.what} of node ${node}`);
        }
      }
    }
  });
});
