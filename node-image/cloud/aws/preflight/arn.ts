/** The parts of an ARN: arn:partition:service:region:account:resource. */
export interface Arn {
  readonly partition: string;
  readonly service: string;
  readonly region: string;
  readonly account: string;
  readonly resource: string;
}

/** @returns undefined where the text is none */
export function parseArn(text: string): Arn | undefined {
  const [arn, partition = '', service = '', region = '', account = '', ...rest] = text.split(':');
  const resource = rest.join(':');
  return arn === 'arn' && partition !== '' && service !== '' && resource !== ''
    ? { partition, service, region, account, resource }
    : undefined;
}
