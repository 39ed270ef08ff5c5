/** Which identity of the machine asks Azure's storage for entry. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { openStorage } from '../../../node-image/jobs/egress/upload/open-storage';

const HOST = 'AZURE_POD_IDENTITY_AUTHORITY_HOST';

const asked: URL[] = [];
const metadata = createServer((request, response) => {
  asked.push(new URL(request.url ?? '', 'http://metadata'));
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ access_token: 'a-token', expires_in: 3600, token_type: 'Bearer' }));
});
const hostBefore = process.env[HOST];

before(async () => {
  await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', resolve));
  process.env[HOST] = `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`;
});

after(() => {
  if (hostBefore === undefined) delete process.env[HOST];
  else process.env[HOST] = hostBefore;
  metadata.closeAllConnections();
  metadata.close();
});

test('the one that the configuration names asks for entry to the container', async () => {
  const storage = openStorage(
    {
      kind: 'azure',
      accountName: 'recordings',
      accountKey: '',
      containerName: 'talks',
      // Nobody is there: the token is asked for before.
      endpoint: 'https://127.0.0.1:9',
    },
    '',
    'client-of-media-nodes',
  );
  await assert.rejects(storage.check('a.mp4'), /Upload to https:\/\/127\.0\.0\.1:9\/talks\/a\.mp4/);
  const [first] = asked;
  assert.equal(first?.searchParams.get('client_id'), 'client-of-media-nodes');
  assert.match(first?.searchParams.get('resource') ?? '', /^https:\/\/storage\.azure\.com\/?$/);
});
