import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate for 127.0.0.1, and its key, PEM. */
export async function selfSigned(): Promise<{ readonly cert: string; readonly key: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-azure-'));
  try {
    const args =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem';
    await run('openssl', args.split(' '), { cwd: folder });
    const [cert, key] = await Promise.all(
      ['cert.pem', 'key.pem'].map((file) => readFile(join(folder, file), 'utf8')),
    );
    return { cert: cert ?? '', key: key ?? '' };
  } finally {
    await rm(folder, { recursive: true });
  }
}
