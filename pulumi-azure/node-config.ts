import * as pulumi from '@pulumi/pulumi';
import { mergeSettings, type Settings } from '../node-image/contract';
import type { ClusterSecrets } from './cluster-secrets';
import type { NodeRole } from './node-architecture';
import { renderSettings } from './private/settings';
import type { StoredSecret } from './stored-secret';

/** Settings of nodes, as sluice.yaml has them; the sample of the node lists every key. */
export class NodeSettings {
  /** None: the defaults of every key. */
  static none(): NodeSettings {
    return new NodeSettings({});
  }

  /**
   * From an object with the keys of sluice.yaml, such as `{ room: { max_participants: 50 } }`.
   * Values may be Inputs.
   */
  static fromObject(values: object): NodeSettings {
    return new NodeSettings({ ...values });
  }

  /** The keys and their values. */
  readonly values: Settings;

  private constructor(values: Settings) {
    this.values = values;
  }

  /** Both; where both have a key, that of `other`. */
  with(other: NodeSettings): NodeSettings {
    return new NodeSettings(mergeSettings(this.values, other.values));
  }
}

/** Secrets that machines read at boot; each role may read those it is given, and no other. */
export interface NodeSecrets {
  /**
   * The first API key and its secret: JSON with `key` and `secret`.
   *
   * @default - none: the machines check no tokens
   */
  readonly apiKey?: StoredSecret;

  /**
   * Proves to one node that the other belongs to the cluster.
   *
   * @default - none: a Single Node
   */
  readonly cluster?: StoredSecret;

  /**
   * Of TURN servers that exist (`Turn.existing()`).
   *
   * @default - none: the nodes' own coturn has one from the cluster secret, or a random one on a Single Node
   */
  readonly turn?: StoredSecret;

  /**
   * Password of Redis.
   *
   * @default - none: Redis asks for none, or there is none
   */
  readonly redis?: StoredSecret;

  /**
   * Of the entry on the machine, PEM: certificate, chain, private key.
   *
   * @default - none: from Let's Encrypt, or nothing ends TLS
   */
  readonly certificate?: StoredSecret;
}

/** Arguments of a node's configuration. */
export interface NodeConfigArgs {
  /** What the machines do that read it. */
  readonly role: NodeRole;

  /** Where it is kept. */
  readonly secrets: ClusterSecrets;

  /**
   * Settings; checked against the node's schema, those that are Inputs in preview. Secrets do not
   * belong here: machines read them from Key Vault.
   *
   * @default - the defaults of every key
   */
  readonly settings?: NodeSettings;
}

/**
 * The sluice.yaml of the machines of one role, in Key Vault beside their secrets, though it has none
 * in it: machines read both in the same way.
 */
export class NodeConfig extends pulumi.ComponentResource {
  /** Where machines read it. */
  public readonly secret: StoredSecret;

  /** Changes with the settings: part of the custom data, so that a new configuration is rolled out. */
  public readonly revision: pulumi.Output<string>;

  constructor(name: string, args: NodeConfigArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:azure:NodeConfig', name, {}, opts);
    const settings = mergeSettings(args.settings?.values ?? {}, { sluice: { role: args.role } });
    const { text, revision } = renderSettings(name, settings);
    this.revision = revision;
    this.secret = args.secrets.store(
      `${name}-secret`,
      { secretName: `config-${args.role}`, value: text, contentType: 'application/yaml' },
      this,
    );
    this.registerOutputs({ revision });
  }
}
