import { RemovalPolicy } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { Problems } from './private/validation';

/** Properties of the secrets of a cluster. Each is one of yours, or generated. */
export interface ClusterSecretsProps {
  /**
   * The key pair that applications sign access tokens with: JSON such as
   * `{"key": "APIxxxx", "secret": "..."}`, the secret of 32 characters or more.
   *
   * @default - a generated one. Costs 0.40 USD a month
   */
  readonly apiKey?: sm.ISecret;

  /**
   * What the nodes know each other by, and make TURN credentials with: 32 characters or more. A
   * `SingleNode` takes none, as it has nobody to know.
   *
   * @default - a generated one. Costs 0.40 USD a month
   */
  readonly clusterSecret?: sm.ISecret;

  /**
   * The key that generated secrets are encrypted with.
   *
   * @default - the key of Secrets Manager in the account, which costs nothing
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * What becomes of generated secrets when the stack is deleted. Secrets that are retained cost on.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;

  /** @internal There is one node only. */
  readonly _isSingle?: boolean;
}

/**
 * The secrets of a cluster, in Secrets Manager. Nodes read them at boot by their ARN; they are in no
 * template, no user data and no log.
 */
export class ClusterSecrets extends Construct {
  /** The key pair of applications: JSON with `key` and `secret`. */
  public readonly apiKey: sm.ISecret;
  /** What the nodes know each other by, and make TURN credentials with; none of a `SingleNode`. */
  public readonly clusterSecret?: sm.ISecret;

  constructor(scope: Construct, id: string, props: ClusterSecretsProps = {}) {
    super(scope, id);
    const { encryptionKey, removalPolicy = RemovalPolicy.DESTROY, _isSingle = false } = props;
    const problems = new Problems(this);
    problems.check(!_isSingle || props.clusterSecret === undefined, {
      what: 'secrets.clusterSecret',
      given: 'a secret, for a SingleNode',
      allowed: 'none: it has no other nodes to be known by, and makes a TURN secret itself',
      fix: 'leave it out, and delete the secret if nobody else reads it',
    });
    problems.report();
    const generate = (childId: string, description: string, form: sm.SecretStringGenerator) => {
      return new sm.Secret(this, childId, {
        description,
        encryptionKey,
        removalPolicy,
        generateSecretString: form,
      });
    };
    this.apiKey =
      props.apiKey ??
      generate('ApiKey', 'Sluice: the API key pair that applications sign access tokens with', {
        // Which key it is need not be secret; the same as long as the construct has its place.
        secretStringTemplate: JSON.stringify({ key: `API${this.node.addr.slice(2, 15)}` }),
        generateStringKey: 'secret',
        ...LETTERS_AND_DIGITS,
      });
    if (_isSingle) return;
    this.clusterSecret =
      props.clusterSecret ??
      generate('ClusterSecret', 'Sluice: what the nodes know each other by', LETTERS_AND_DIGITS);
  }

  /**
   * Lets nodes read all there are, and decrypt them where they have a key of their own. Applications
   * need `apiKey.grantRead()` alone.
   */
  public grantRead(grantee: iam.IGrantable): iam.Grant {
    const grant = this.apiKey.grantRead(grantee);
    return this.clusterSecret ? grant.combine(this.clusterSecret.grantRead(grantee)) : grant;
  }
}

/** What YAML, shells and Redis take as it is. 48 of 62 characters are more than 256 bits. */
const LETTERS_AND_DIGITS = { passwordLength: 48, excludePunctuation: true } as const;
