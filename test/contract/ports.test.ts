import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_WORKERS, PORT_RANGES, PORTS } from '../../node-image/contract';

describe('the table of ports', () => {
  it('holds a UDP and a TCP port for each worker there can be', () => {
    for (const { start, end } of [PORT_RANGES.iceUdp, PORT_RANGES.iceTcp]) {
      assert.equal(end - start + 1, MAX_WORKERS);
    }
  });

  it('has no TCP port twice', () => {
    const fixed = [PORTS.entry, PORTS.http, PORTS.nodeLink, PORTS.metrics, PORTS.turn];
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
});
