import { reasonOf } from '../../findings/reason';
import { certificatesIn, judgeChain, keyIn } from './certificate-chain';
import type { Check, DoctorContext } from './context';
import { type DoctorFinding, reportOf } from './problems';
import { shownChain } from './shown-certificate';

const ANSWER_MS = 5000;

/** The certificates in files of this machine, and the one that clients are shown. */
export const checkCertificates: Check = async (context) => {
  const { config, entry, question } = context;
  const { cert_file, key_file, domain, enabled, external_tls, tls_port } = config.turn;
  const isMaster = config.sluice.role === 'master';
  const found = await Promise.all([
    entry?.certificate === undefined
      ? []
      : judgeFile(context, {
          check: 'Certificate of the entry',
          file: entry.certificate,
          keyFile: entry.certificate,
          domain: question.domain,
          renew: `Put certificate, chain and key into ${entry.certificate}, then: systemctl reload sluice-haproxy`,
        }),
    isMaster || !enabled || external_tls || tls_port === 0 || cert_file === ''
      ? []
      : judgeFile(context, {
          check: 'Certificate of TURN',
          file: cert_file,
          keyFile: key_file,
          domain: domain === '' ? undefined : domain,
          renew: `Renew ${cert_file} (turn.cert_file), then restart the node, which drains first.`,
        }),
    judgeShown(context),
  ]);
  return found.flat();
};

interface FileQuestion {
  readonly check: string;
  readonly file: string;
  readonly keyFile: string;
  readonly domain: string | undefined;
  readonly renew: string;
}

async function judgeFile(
  { system }: DoctorContext,
  { check, file, keyFile, domain, renew }: FileQuestion,
): Promise<readonly DoctorFinding[]> {
  const { unchecked, problem } = reportOf(check);
  let text: string | undefined;
  let keyText: string | undefined;
  try {
    text = await system.read(file);
    keyText = keyFile === file ? text : await system.read(keyFile);
  } catch (error) {
    return [unchecked(`this user may not read it: ${reasonOf(error)}`, 'Run this as root.')];
  }
  if (text === undefined) return [problem('certificate-missing', `there is no ${file}`, renew)];
  const chain = certificatesIn(text);
  const [leaf] = chain;
  if (leaf === undefined) {
    return [
      problem('certificate-unreadable', `${file} holds no certificate that can be read`, renew),
    ];
  }
  const key = keyIn(keyText ?? '');
  const fits = key !== undefined && leaf.checkPrivateKey(key);
  const roots = system.roots();
  const findings = judgeChain({ check, chain, domain, roots, nowMs: system.now(), renew });
  if (fits) return findings;
  const what =
    key === undefined
      ? 'holds no private key that can be read'
      : 'has the key of another certificate';
  return [
    ...findings.filter(({ status }) => status !== 'ok'),
    problem('certificate-key', `${keyFile} ${what}`, renew),
  ];
}

/** What the domain shows, whoever ends TLS there. */
async function judgeShown(context: DoctorContext): Promise<readonly DoctorFinding[]> {
  const { config, node, question, system } = context;
  const { domain, domainPort } = question;
  if (domain === undefined || config.sluice.role === 'media') return [];
  const check = 'Certificate shown';
  const { problem, unchecked } = reportOf(check);
  const [host] = await system.resolve(domain).catch(() => []);
  // The DNS is looked at elsewhere.
  if (host === undefined) return [unchecked(`${domain} has no address to ask`)];
  const where = `port ${domainPort} of ${domain}`;
  try {
    const chain = await shownChain({
      host,
      port: domainPort,
      serverName: domain,
      timeoutMs: ANSWER_MS,
    });
    return judgeChain({
      check,
      chain,
      domain,
      roots: system.roots(),
      nowMs: system.now(),
      renew: `It is shown at ${where}: renew it at whatever ends TLS there.`,
    });
  } catch (error) {
    const found = `no TLS is spoken at ${where}: ${reasonOf(error)}`;
    return [
      node.kind === 'node'
        ? problem(
            'certificate-unseen',
            found,
            `Browsers speak TLS only: set up HAProxy or a load balancer there, and let TCP ${domainPort} in. A machine behind a NAT may not reach its own name: try from elsewhere, openssl s_client -connect ${domain}:${domainPort}`,
          )
        : unchecked(`${found}; the node does not run`),
    ];
  }
}
