import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, it } from 'node:test';
import { S3Upload } from '@livekit/protocol';
import { storageOf } from '../../../node-image/jobs/egress/storage-choice';
import { S3Storage } from '../../../node-image/jobs/egress/upload/s3-storage';

/** Keys that each request for a removal named. */
const asked: string[][] = [];
/** Stands for AWS: it removes what is not locked, and answers 200 all the same. */
const aws = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  const keys = [...body.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key ?? '');
  asked.push(keys);
  const errors = keys
    .filter((key) => key.startsWith('locked'))
    .map((key) => {
      const why = '<Code>AccessDenied</Code><Message>Access Denied</Message>';
      return `<Error><Key>${key}</Key>${why}</Error>`;
    });
  response.setHeader('content-type', 'application/xml');
  response.end(`<DeleteResult>${errors.join('')}</DeleteResult>`);
});
const before = process.env['AWS_ENDPOINT_URL_S3'];

after(() => {
  if (before === undefined) delete process.env['AWS_ENDPOINT_URL_S3'];
  else process.env['AWS_ENDPOINT_URL_S3'] = before;
  aws.closeAllConnections();
  aws.close();
});

it('says what S3 has not removed, and asks for the rest of a long list all the same', async (t) => {
  await new Promise<void>((resolve) => aws.listen(0, '127.0.0.1', resolve));
  const { port } = aws.address() as { port: number };
  process.env['AWS_ENDPOINT_URL_S3'] = `http://127.0.0.1:${port}`;
  const upload = new S3Upload({
    ...{ accessKey: 'AKIAKEY', secret: 's3cr3t', bucket: 'b', region: 'eu-west-1' },
    forcePathStyle: true,
  });
  const spec = storageOf({ case: 's3', value: upload }, undefined);
  assert.equal(spec.kind, 's3');
  const storage = new S3Storage(spec);
  t.after(() => storage.close());

  await storage.remove(['a', 'b']);
  const names = Array.from({ length: 999 }, (_, index) => `piece-${index}`);
  await assert.rejects(storage.remove(['locked-1', ...names, 'locked-2', 'last']), {
    name: 'StorageError',
    message: /^Removing from .*\/locked-1 failed: AccessDenied: Access Denied locked-1$/,
  });
  assert.deepEqual(
    asked.map(({ length }) => length),
    [2, 1000, 2],
  );
  await assert.rejects(storage.remove(['locked-1', 'locked-2']), /locked-1 \(and 1 more\)/);
});
