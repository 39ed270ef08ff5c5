import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  EgressInfo,
  EgressStatus,
  FilterParams,
  StartEgressRequest,
  TrackEgressRequest,
  WebhookConfig,
} from '@livekit/protocol';
import { AskedWebhooks } from '../../node-image/api/asked-webhooks';
import { Webhooks } from '../../node-image/api/webhooks';
import { checkWebhooks } from '../../node-image/jobs/egress/asked-webhooks';
import { until } from '../support/wait';
import { TestReceiver } from './support/webhook-receiver';

const keys = { devkey: 'secret', other: 'another-secret' };
const warnings: string[] = [];
const log = {
  debug: () => undefined,
  warn: (_fields: unknown, text?: string) => void warnings.push(text ?? ''),
};
const delivery = { retryMinMs: 5, timeoutMs: 1000 };

const infoWith = (...webhooks: ConstructorParameters<typeof WebhookConfig>[0][]): EgressInfo =>
  new EgressInfo({
    egressId: 'EG_1',
    status: EgressStatus.EGRESS_ACTIVE,
    request: {
      case: 'egress',
      value: new StartEgressRequest({ webhooks: webhooks.map((one) => new WebhookConfig(one)) }),
    },
  });

describe('Webhooks of a single request', () => {
  const receivers: TestReceiver[] = [];
  const receiver = async (key?: { apiKey: string; secret: string }) => {
    const made = new TestReceiver(undefined, key);
    receivers.push(made);
    return { url: await made.listen(), made };
  };
  after(() => {
    for (const one of receivers) one.close();
  });

  test('tell of it alone, signed with the key that it names, beside those of all', async () => {
    const all = await receiver();
    const own = await receiver({ apiKey: 'other', secret: 'another-secret' });
    const byDefault = await receiver();
    const webhooks = new Webhooks({
      ...{ urls: [all.url], apiKey: 'devkey', keys, delivery, log },
      excludeEvents: ['egress_ended'],
    });
    const info = infoWith(
      { url: own.url, signingKey: 'other' },
      { url: byDefault.url, filterParams: new FilterParams({ includeEvents: ['egress_ended'] }) },
    );
    webhooks.egressStarted(info);
    webhooks.egressUpdated(info);
    webhooks.egressEnded(info);
    webhooks.egressStarted(new EgressInfo({ egressId: 'EG_2' }));
    await webhooks.close(5000);
    assert.deepEqual(own.made.events, ['egress_started', 'egress_updated', 'egress_ended']);
    assert.deepEqual(byDefault.made.events, ['egress_ended']);
    assert.deepEqual(all.made.events.sort(), [
      ...['egress_started', 'egress_started', 'egress_updated'],
    ]);
  });

  test('are sent where no others are configured, and let go of afterwards', async () => {
    const { url, made } = await receiver();
    const webhooks = new Webhooks({
      urls: [],
      apiKey: '',
      keys: { devkey: 'secret' },
      delivery,
      log,
    });
    webhooks.egressEnded(infoWith({ url }));
    await made.until(1);
    webhooks.egressEnded(new EgressInfo({ egressId: 'EG_2' }));
    await webhooks.close(1000);
    assert.deepEqual(made.events, ['egress_ended']);
  });

  test('are not signed with another key, nor sent where machines are told about themselves', async () => {
    const { url, made } = await receiver();
    const outcomes: string[] = [];
    const asked = new AskedWebhooks({
      ...{ keys, apiKey: 'devkey', delivery, log },
      observe: (outcome) => void outcomes.push(outcome),
    });
    const webhooks = new Webhooks({ urls: [], apiKey: 'devkey', keys, delivery, log });
    webhooks.egressEnded(infoWith({ url, signingKey: 'retired' }));
    await webhooks.close(1000);
    assert.ok(warnings.some((text) => text.includes('its key is retired')));
    const event = {
      event: 'egress_ended',
      id: 'EV_1',
      clone: () => event,
      toJsonString: () => '{}',
    };
    asked.tell(infoWith({ url: 'http://169.254.169.254/x' }), event as never);
    await until('its end', () => outcomes.length === 1);
    assert.deepEqual(outcomes, ['failed']);
    await asked.close(1000);
    assert.equal(made.count, 0);
  });

  test('are refused with what is wrong with them', () => {
    const check = (...webhooks: ConstructorParameters<typeof WebhookConfig>[0][]) => {
      const value = new TrackEgressRequest({
        webhooks: webhooks.map((one) => new WebhookConfig(one)),
      });
      checkWebhooks({ case: 'track', value }, (key) => Object.hasOwn(keys, key));
    };
    const url = 'https://app.example/hook';
    check();
    check({ url }, { url, signingKey: 'other' });
    const wrong: [ConstructorParameters<typeof WebhookConfig>[0][], RegExp][] = [
      [[{ url, signingKey: 'stranger' }], /signing_key stranger is none of the API keys/],
      [[{ url: 'ftp://x/' }], /its url has to be http\(s\)/],
      [[{}], /its url has to be http\(s\)/],
      [[{ url: 'https://me:s3cret@app.example/' }], /has a user or a password/],
      [Array.from({ length: 11 }, () => ({ url })), /11 webhooks; 10 are allowed/],
    ];
    for (const [webhooks, says] of wrong) {
      assert.throws(() => check(...webhooks), { code: 'invalid_argument', message: says });
    }
  });
});
