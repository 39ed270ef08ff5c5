import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { configSchema, type SluiceConfigInput } from '../../node-image/contract';
import { componentLog, createLog, scopedLog, withoutSecrets } from '../../node-image/telemetry';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl';

function logged(given: SluiceConfigInput['logging'] = {}, isTerminal = false) {
  let text = '';
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk);
      done();
    },
  });
  const { logging } = configSchema.parse({ logging: given });
  const log = createLog({ logging, destination, isTerminal, fields: { node_id: 'ND_1' } });
  const lines = (): Record<string, unknown>[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  return { log, logging, lines, text: () => text };
}

describe('the log', () => {
  it('is one JSON object a line, with the node and the scope', () => {
    const { log, lines } = logged();
    scopedLog(log, { room: 'r', participant: 'p' }).info({ count: 3 }, 'hello');
    const [{ time, ...line } = {}] = lines();
    assert.deepEqual(line, {
      level: 'info',
      node_id: 'ND_1',
      room: 'r',
      participant: 'p',
      count: 3,
      msg: 'hello',
    });
    assert.match(String(time), /^\d{4}-\d\d-\d\dT/);
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = logged({ level: 'warn' });
    log.info('no');
    log.warn('yes');
    assert.deepEqual(
      lines().map(({ msg }) => msg),
      ['yes'],
    );
  });

  it('has levels of their own for components and what is below them', () => {
    const { log, logging, lines } = logged({ component_levels: { media: 'debug', api: 'error' } });
    componentLog(log, 'media.worker', logging).debug('worker');
    componentLog(log, 'api', logging).warn('api');
    componentLog(log, 'room', logging).debug('room');
    assert.deepEqual(
      lines().map(({ component }) => component),
      ['media.worker'],
    );
  });

  it('is readable at a terminal, unless JSON is asked for', () => {
    const readable = logged({}, true);
    componentLog(readable.log, 'media', readable.logging).info('hello');
    assert.match(readable.text(), /INFO.*media: hello/);
    const json = logged({ json: true }, true);
    json.log.info('hello');
    assert.equal(json.lines()[0]?.['msg'], 'hello');
  });

  for (const isTerminal of [false, true]) {
    it(`never shows a token or secret ${isTerminal ? 'at a terminal' : 'as JSON'}`, () => {
      const { log, text } = logged({}, isTerminal);
      const url = `/rtc?a=1&access_token=${JWT}&b=2`;
      log.info({ url, req: { url, headers: { authorization: `Bearer hunter2` } } }, `GET ${url}`);
      log.info({
        headers: { authorization: 'hunter2' },
        password: 'hunter2',
        deep: { secret: 'hunter2' },
      });
      log.error({ err: new Error(`failed: ${url} Bearer hunter2`) }, 'failed');
      log.child({ token: 'hunter2', apiSecret: 'hunter2' }).warn(`bare ${JWT}`);
      assert.doesNotMatch(text(), /hunter2|c2lnbmF0dXJl|eyJzdWIi/);
      assert.match(text(), /access_token=\[hidden\]&b=2/);
    });
  }
});

describe('taking secrets out of a text', () => {
  it('keeps the rest', () => {
    assert.equal(withoutSecrets(`?x=1&access_token=${JWT}`), '?x=1&access_token=[hidden]');
    assert.equal(withoutSecrets('?join_request=abc#d'), '?join_request=[hidden]#d');
    assert.equal(withoutSecrets('Bearer abc.def-g'), 'Bearer [hidden]');
    assert.equal(withoutSecrets(`got ${JWT}!`), 'got [hidden]!');
    assert.equal(withoutSecrets('eyJ and a.b.c stay'), 'eyJ and a.b.c stay');
  });
});
