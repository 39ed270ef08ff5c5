import type * as pulumi from '@pulumi/pulumi';
import type { Domain } from './domain';
import type { PlaceArgs } from './place';
import type { ClientEntry } from './private/client-entry';
import { balanced, onMachine } from './private/client-entry';
import {
  SignalingEntry as Entry,
  type SignalingEntry,
  type SignalingEntryOptions,
} from './signaling-entry';

/** Options of an entry on the machine itself. */
export interface MachineEntryOptions {
  /**
   * Id of a public address of yours: Standard, static, IPv4.
   *
   * @default - an own one, at 0.005 USD an hour
   */
  readonly publicIpAddressId?: pulumi.Input<string>;
}

/** How clients come in to a cluster. TLS ends on the Master Nodes in any case. */
export abstract class ClusterEntry {
  /** A Standard Load Balancer in front of all Master Nodes. */
  static loadBalancer(options: SignalingEntryOptions = {}): ClusterEntry {
    return new OwnLoadBalancer(options);
  }

  /** An entry that is defined elsewhere: its pool gets the Master Nodes. */
  static existing(entry: SignalingEntry): ClusterEntry {
    return new ExistingEntry(entry);
  }

  /** The only Master Node itself, at a public address that stays. */
  static onMasterNode(options: MachineEntryOptions = {}): ClusterEntry {
    return new MasterNodeEntry(options);
  }

  /** Whether several Master Nodes can be behind it. @internal */
  abstract readonly _takesSeveral: boolean;

  /** Whether encoders can come in by it, where jobs say so. @internal */
  abstract readonly _canTakeRtmp: boolean;

  /** @internal */
  abstract _bind(
    name: string,
    args: PlaceArgs & {
      readonly domain: Domain;
      readonly rtmp: boolean;
      readonly zones?: readonly string[];
    },
    parent: pulumi.Resource,
  ): ClientEntry;
}

type BindArgs = Parameters<ClusterEntry['_bind']>[1];

class OwnLoadBalancer extends ClusterEntry {
  override readonly _takesSeveral = true;
  override readonly _canTakeRtmp: boolean;

  constructor(private readonly options: SignalingEntryOptions) {
    super();
    this._canTakeRtmp = options.rtmp !== false;
  }

  override _bind(name: string, args: BindArgs, parent: pulumi.Resource): ClientEntry {
    const entry = new Entry(`${name}-entry`, { ...args, ...this.options }, { parent });
    return balanced(entry, args.domain, name);
  }
}

class ExistingEntry extends ClusterEntry {
  override readonly _takesSeveral = true;
  override readonly _canTakeRtmp: boolean;

  constructor(private readonly entry: SignalingEntry) {
    super();
    this._canTakeRtmp = entry.takesRtmp;
  }

  override _bind(name: string, { domain }: BindArgs): ClientEntry {
    return balanced(this.entry, domain, name);
  }
}

class MasterNodeEntry extends ClusterEntry {
  override readonly _takesSeveral = false;
  override readonly _canTakeRtmp = true;

  constructor(private readonly options: MachineEntryOptions) {
    super();
  }

  override _bind(name: string, args: BindArgs, parent: pulumi.Resource): ClientEntry {
    return onMachine(name, { ...args, ...this.options }, parent);
  }
}
