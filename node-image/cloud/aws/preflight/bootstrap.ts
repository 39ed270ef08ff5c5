import { GetParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { type Finding, findingsOf } from '../../../findings/finding';
import { type Asked, ask, uncheckedBy, unlessMissing } from './ask';
import type { Caller } from './caller';
import type { Check, PreflightContext } from './context';

/** The oldest that stacks of aws-cdk-lib 2 take: its MIN_BOOTSTRAP_STACK_VERSION. */
const OLDEST_BOOTSTRAP = 6;
const BOOTSTRAP = 'CDK bootstrap';
const IMAGE = 'Image of Debian';
const IMAGES = '/aws/service/debian/release/12/latest';

/** Both are parameters of SSM: that of the CDK bootstrap, and those by which Debian names images. */
export const checkParameters: Check = async (context) => {
  const { question, clients, caller } = context;
  const name = `/cdk-bootstrap/${question.qualifier}/version`;
  const version = await ask(() => parameter(clients.ssm, name));
  const images = await Promise.all(
    architecturesOf(context).map(async (each) => {
      const path = `${IMAGES}/${each}`;
      return judgeImage(path, await ask(() => parameter(clients.ssm, path)));
    }),
  );
  return [judgeBootstrap(version, caller, question.qualifier), ...images];
};

export function judgeBootstrap(
  version: Asked<string | undefined>,
  { account, region }: Pick<Caller, 'account' | 'region'>,
  qualifier: string,
): Finding {
  if (!('answer' in version)) return uncheckedBy(BOOTSTRAP, version, 'ssm:GetParameter');
  const { ok, failed } = findingsOf(BOOTSTRAP);
  const todo = `Run: npx cdk bootstrap aws://${account}/${region}`;
  if (version.answer === undefined) {
    return failed(`none with the qualifier ${qualifier} in ${region} of ${account}`, todo);
  }
  const found = `version ${version.answer}`;
  return Number(version.answer) >= OLDEST_BOOTSTRAP
    ? ok(found)
    : failed(`${found}, and ${OLDEST_BOOTSTRAP} is the oldest that will do`, todo);
}

export function judgeImage(path: string, id: Asked<string | undefined>): Finding {
  if (!('answer' in id)) return uncheckedBy(IMAGE, id, 'ssm:GetParameter');
  const { ok, failed } = findingsOf(IMAGE);
  return id.answer === undefined
    ? failed(
        `this region has no ${path}`,
        'Give an image of yours with NodeImage.fromAmi(), or take another region.',
      )
    : ok(`${id.answer}, for ${path.slice(IMAGES.length + 1)}`);
}

/** As Debian calls those of the machines. */
function architecturesOf({ types }: PreflightContext): readonly string[] {
  const all = 'answer' in types ? [...types.answer.values()] : [];
  const isArm = (each: string): boolean => each === 'arm64';
  const found = all.map(({ architectures }) => (architectures.some(isArm) ? 'arm64' : 'amd64'));
  return [...new Set(found)].sort();
}

async function parameter(ssm: SSMClient, Name: string): Promise<string | undefined> {
  const answer = await unlessMissing(['ParameterNotFound'], () =>
    ssm.send(new GetParameterCommand({ Name })),
  );
  return answer?.Parameter?.Value;
}
