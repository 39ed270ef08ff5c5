/** Addresses of Media Nodes that stay the same, for users behind strict firewalls. */
export class StaticAddresses {
  /**
   * New Elastic IP addresses, as many as there may be machines at a time, with one more for a
   * machine that is replaced. Each costs 0.005 USD an hour, used or not; an account has 5 unless
   * its quota was raised.
   */
  static allocate(count: number): StaticAddresses {
    return new StaticAddresses(count, undefined);
  }

  /**
   * Elastic IP addresses that you have, all tagged `sluice:address-pool` with this value.
   */
  static tagged(pool: string): StaticAddresses {
    return new StaticAddresses(undefined, pool);
  }

  private constructor(
    /** @internal */
    readonly _count: number | undefined,
    /** @internal */
    readonly _pool: string | undefined,
  ) {}
}
