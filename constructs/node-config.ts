import { ArnFormat, Aws, Fn, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { mergeSettings, type Settings } from '../node-image/contract';
import type { NodeRole } from './node-architecture';
import { nameInStack } from './private/names';
import { renderSettings } from './private/settings';

/** Settings of nodes, as sluice.yaml has them; the sample of the node lists every key. */
export class NodeSettings {
  /** None: the defaults of every key. */
  static none(): NodeSettings {
    return new NodeSettings({});
  }

  /**
   * From an object with the keys of sluice.yaml, such as `{ room: { max_participants: 50 } }`.
   * Values may be tokens.
   */
  static fromObject(values: object): NodeSettings {
    return new NodeSettings({ ...values });
  }

  /** @internal */
  readonly _values: Settings;

  private constructor(values: Settings) {
    this._values = values;
  }

  /** Both; where both have a key, that of `other`. */
  with(other: NodeSettings): NodeSettings {
    return new NodeSettings(mergeSettings(this._values, other._values));
  }
}

/** Secrets that machines fetch at boot; each role may read those it is given, and no other. */
export interface NodeSecrets {
  /**
   * The first API key and its secret: JSON with `key` and `secret`.
   *
   * @default - none: the machines check no tokens
   */
  readonly apiKey?: secretsmanager.ISecret;

  /**
   * Proves to one node that the other belongs to the cluster.
   *
   * @default - none: a Single Node
   */
  readonly cluster?: secretsmanager.ISecret;

  /**
   * Of TURN servers that exist (`Turn.existing()`).
   *
   * @default - none: the nodes' own coturn has one from the cluster secret, or a random one on a Single Node
   */
  readonly turn?: secretsmanager.ISecret;

  /**
   * Password of Redis.
   *
   * @default - none: Redis asks for none, or there is none
   */
  readonly redis?: secretsmanager.ISecret;

  /**
   * Of the entry on the machine itself, PEM: certificate, chain, private key.
   *
   * @default - none: a load balancer ends TLS, or nothing does
   */
  readonly certificate?: secretsmanager.ISecret;
}

/** Properties of a node's configuration. */
export interface NodeConfigProps {
  /** What the machines do that read it. */
  readonly role: NodeRole;

  /**
   * Settings; checked against the node's schema where they are no tokens. Secrets do not belong
   * here: machines fetch them from Secrets Manager.
   *
   * @default - the defaults of every key
   */
  readonly settings?: NodeSettings;
}

/**
 * The sluice.yaml of the machines of one role, in an SSM parameter that they read at boot. Its name
 * is known before it is made, so that nothing has to wait for it.
 */
export class NodeConfig extends Construct {
  /** Name of the parameter. */
  readonly parameterName: string;

  /** The parameter. */
  readonly parameter: ssm.CfnParameter;

  /**
   * Changes with the settings, though not with the values of stack parameters: part of the launch
   * template, so that a new configuration is rolled out and a resized cluster is not.
   */
  readonly revision: string;

  constructor(scope: Construct, id: string, props: NodeConfigProps) {
    super(scope, id);
    const settings = mergeSettings(props.settings?._values ?? {}, { sluice: { role: props.role } });
    const rendered = renderSettings(this, settings);
    this.parameterName = Fn.join('', ['/sluice/', Aws.STACK_NAME, '/', nameInStack(this)]);
    this.revision = rendered.revision;
    this.parameter = new ssm.CfnParameter(this, 'Parameter', {
      name: this.parameterName,
      type: 'String',
      tier: rendered.tier,
      value: rendered.text,
      description: `sluice.yaml of ${props.role} nodes`,
    });
  }

  /** Lets machines read it. */
  grantRead(grantee: iam.IGrantable): iam.Grant {
    return iam.Grant.addToPrincipal({
      grantee,
      actions: ['ssm:GetParameter'],
      resourceArns: [
        Stack.of(this).formatArn({
          service: 'ssm',
          resource: 'parameter',
          // The name begins with a slash of its own.
          arnFormat: ArnFormat.NO_RESOURCE_NAME,
        }) + this.parameterName,
      ],
    });
  }
}
