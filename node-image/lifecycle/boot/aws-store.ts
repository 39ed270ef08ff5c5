import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { callAws, type Patience } from './aws-call';

/** Where a cloud keeps configuration and secrets. */
export interface CloudStore {
  /** The text of a parameter. @throws BootError */
  parameter(name: string): Promise<string>;
  /** The text of a secret. @throws BootError */
  secret(id: string, purpose: string): Promise<string>;
}

export interface AwsStoreOptions {
  readonly region: string;
  readonly patience?: Patience | undefined;
}

/** SSM Parameter Store and Secrets Manager. */
export class AwsStore implements CloudStore {
  readonly #options: AwsStoreOptions;
  readonly #ssm: SSMClient;
  readonly #secrets: SecretsManagerClient;

  constructor(options: AwsStoreOptions) {
    const { region } = options;
    this.#options = options;
    this.#ssm = new SSMClient({ region });
    this.#secrets = new SecretsManagerClient({ region });
  }

  parameter(name: string): Promise<string> {
    const { region, patience } = this.#options;
    const words = {
      what: `configuration (SSM parameter ${name})`,
      permission: 'ssm:GetParameter',
      region,
      missing: 'deploy the stack again, or correct config.ssm in boot.json',
    };
    const command = new GetParameterCommand({ Name: name, WithDecryption: true });
    return callAws(
      words,
      async () => (await this.#ssm.send(command)).Parameter?.Value ?? '',
      patience,
    );
  }

  secret(id: string, purpose: string): Promise<string> {
    const { region, patience } = this.#options;
    const words = {
      what: `secret for ${purpose} (${id})`,
      permission: 'secretsmanager:GetSecretValue',
      region,
      missing: `make it with a value, or correct secrets.${purpose} in boot.json`,
    };
    const command = new GetSecretValueCommand({ SecretId: id });
    return callAws(
      words,
      async () => {
        const { SecretString, SecretBinary } = await this.#secrets.send(command);
        return SecretString ?? new TextDecoder().decode(SecretBinary);
      },
      patience,
    );
  }

  /** Idempotent. */
  close(): void {
    this.#ssm.destroy();
    this.#secrets.destroy();
  }
}
