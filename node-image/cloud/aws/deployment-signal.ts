import { type CloudFormationClient, SignalResourceCommand } from '@aws-sdk/client-cloudformation';
import { awsErrorName } from './clients';

/** Source: CloudFormation, SignalResource, UniqueId. */
const MOST_CHARACTERS = 64;

export interface DeploymentSignalOptions {
  readonly client: CloudFormationClient;
  /** Name of the stack. */
  readonly stack: string;
  /** Logical id of the group in it, which waits for signals. */
  readonly resource: string;
}

/** Tells the deployment whether a machine serves, so that it succeeds or is rolled back. */
export class DeploymentSignal {
  readonly #options: DeploymentSignalOptions;

  constructor(options: DeploymentSignalOptions) {
    this.#options = options;
  }

  /**
   * @param failure - why the machine does not serve; undefined: it does. It is part of the id of the
   *   signal, as nothing else of a signal is shown in the events of a stack, cut to 64 characters.
   * @returns false where the deployment waits for no signal any more.
   */
  async send(machineId: string, failure?: string): Promise<boolean> {
    const { client, stack, resource } = this.#options;
    const id = failure === undefined ? machineId : `${machineId} ${failure}`;
    try {
      await client.send(
        new SignalResourceCommand({
          StackName: stack,
          LogicalResourceId: resource,
          Status: failure === undefined ? 'SUCCESS' : 'FAILURE',
          UniqueId: id.slice(0, MOST_CHARACTERS),
        }),
      );
      return true;
    } catch (error) {
      // The resource is made already, or the stack is gone or was rolled back.
      if (awsErrorName(error) === 'ValidationError') return false;
      throw error;
    }
  }
}
