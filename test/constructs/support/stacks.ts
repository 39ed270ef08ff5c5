import { App, CfnParameter, Lazy, Stack, Token } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';

// Each synthesis would otherwise start a validator that takes longer than the test.
process.env['CDK_VALIDATION'] = 'false';
// Nothing here asks the machine it runs on, or an account.
process.env['AWS_EC2_METADATA_DISABLED'] = 'true';

/** The account and the region of stacks that know theirs. */
export const ENVIRONMENT = { account: '111122223333', region: 'eu-central-1' } as const;

/** A stack that may go to any account and region: what `cdk synth` makes without an environment. */
export function anyStack(id = 'Stack'): Stack {
  return new Stack(new App({ analyticsReporting: false }), id);
}

/** A stack whose account, region and zones are known. */
export function envStack(id = 'Stack'): Stack {
  const app = new App({
    analyticsReporting: false,
    context: {
      // So that nothing is looked up.
      [`availability-zones:account=${ENVIRONMENT.account}:region=${ENVIRONMENT.region}`]: [
        'eu-central-1a',
        'eu-central-1b',
        'eu-central-1c',
      ],
    },
  });
  return new Stack(app, id, { env: ENVIRONMENT });
}

/** The template of a stack. Once per stack is enough: share it among the tests of a `describe`. */
export function templateOf(stack: Stack): Template {
  return Template.fromStack(stack);
}

/** What was put on the constructs of the stack as errors, one text each. */
export function errorsOf(stack: Stack): readonly string[] {
  return Annotations.fromStack(stack)
    .findError('*', Match.anyValue())
    .map((message) => String(message.entry.data));
}

/** What was put on the constructs of the stack as warnings, one text each. */
export function warningsOf(stack: Stack): readonly string[] {
  return Annotations.fromStack(stack)
    .findWarning('*', Match.anyValue())
    .map((message) => String(message.entry.data));
}

/** A number that is known at deployment only: a parameter of the stack. */
export function tokenNumber(stack: Stack, name = 'ANumber'): number {
  return new CfnParameter(stack, name, { type: 'Number', default: 3 }).valueAsNumber;
}

/** A number that is decided later while the template is made. */
export function lazyNumber(value: number): number {
  return Lazy.number({ produce: () => value });
}

/** A text that is known at deployment only. */
export function tokenText(stack: Stack, name = 'AText'): string {
  return new CfnParameter(stack, name, { type: 'String' }).valueAsString;
}

/** A list that is known at deployment only. */
export function tokenList(stack: Stack, name = 'AList'): string[] {
  return new CfnParameter(stack, name, { type: 'CommaDelimitedList' }).valueAsList;
}

/** Whether a value is known at deployment only. */
export function isToken(value: unknown): boolean {
  return Token.isUnresolved(value);
}
