import type * as pulumi from '@pulumi/pulumi';

/** A user-assigned identity: of yours, or made here. */
export interface MachineIdentity {
  /** Its id, /subscriptions/…/userAssignedIdentities/NAME. */
  readonly id: pulumi.Input<string>;

  /** Whom rights are given to. */
  readonly principalId: pulumi.Input<string>;

  /** What a machine asks for a token with. */
  readonly clientId: pulumi.Input<string>;
}
