import { type CertificateDetail, DescribeCertificateCommand } from '@aws-sdk/client-acm';
import { type Finding, findingsOf } from '../../../findings/finding';
import { parseArn } from './arn';
import { type Asked, ask, uncheckedBy, unlessMissing } from './ask';
import type { Caller } from './caller';
import type { Check } from './context';

const TITLE = 'Certificate';
const { ok, failed, unchecked } = findingsOf(TITLE);
const ANOTHER = 'Ask for one: aws acm request-certificate --validation-method DNS --domain-name';

export const checkCertificate: Check = async ({ question, clients, caller }) => {
  const { certificate: arn, domain, zone } = question;
  if (arn === undefined) {
    return [
      zone === undefined
        ? unchecked('no --certificate was given, and no --zone to make one in')
        : unchecked('the deployment makes one, which AWS validates in the hosted zone'),
    ];
  }
  const elsewhere = judgePlace(arn, caller);
  if (elsewhere !== undefined) return [elsewhere];
  const asked = await ask(async () => {
    const answer = await unlessMissing(['ResourceNotFoundException'], () =>
      clients.acm.send(new DescribeCertificateCommand({ CertificateArn: arn })),
    );
    return answer?.Certificate;
  });
  return [judgeCertificate(asked, domain)];
};

/** A load balancer takes certificates of its own region and account only. */
export function judgePlace(arn: string, { region, account }: Caller): Finding | undefined {
  const place = parseArn(arn);
  if (place === undefined || (place.region === region && place.account === account)) {
    return undefined;
  }
  const there = place.account === account ? `region ${place.region}` : `account ${place.account}`;
  const here = place.account === account ? region : account;
  return failed(
    `it is in the ${there}, and the stack in ${here}`,
    `Make one where the stack is, in ${region} of ${account}: aws acm request-certificate --region ${region}`,
  );
}

export function judgeCertificate(
  asked: Asked<CertificateDetail | undefined>,
  domain: string | undefined,
): Finding {
  if (!('answer' in asked)) return uncheckedBy(TITLE, asked, 'acm:DescribeCertificate');
  if (asked.answer === undefined) {
    return failed('there is none of this ARN', 'See its ARN: aws acm list-certificates');
  }
  const { Status = 'unknown', DomainName = '', SubjectAlternativeNames = [] } = asked.answer;
  if (Status !== 'ISSUED') {
    return failed(`its status is ${Status}`, todoOf(asked.answer, domain));
  }
  const names = [...new Set([DomainName, ...SubjectAlternativeNames])];
  const found = `issued, for ${names.join(', ')}`;
  if (domain === undefined) return ok(`${found}; no --domain was given to compare`);
  if (names.some((name) => covers(name, domain))) return ok(found);
  return failed(`it is not for ${domain}, but for ${names.join(', ')}`, `${ANOTHER} ${domain}`);
}

function todoOf({ Status, ...facts }: CertificateDetail, domain = facts.DomainName): string {
  if (Status !== 'PENDING_VALIDATION') return `${ANOTHER} ${domain}`;
  const records = (facts.DomainValidationOptions ?? []).flatMap(({ ResourceRecord: record }) =>
    record === undefined ? [] : [`${record.Name} ${record.Type} ${record.Value}`],
  );
  return records.length === 0
    ? 'Answer the mail that AWS has sent for its validation.'
    : `Write into the DNS, and wait until it is issued: ${records.join('; ')}`;
}

/** A wildcard stands for one label. Source: RFC 6125 6.4.3. */
export function covers(name: string, domain: string): boolean {
  const [pattern, wanted] = [name.toLowerCase(), domain.toLowerCase()];
  if (!pattern.startsWith('*.')) return pattern === wanted;
  const dot = wanted.indexOf('.');
  return dot > 0 && wanted.slice(dot) === pattern.slice(1);
}
