/** What counts as a scale set that is not there yet: everything else ends the deployment, not machines. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Domain, ElasticCluster, NodeImage } from '../../pulumi-azure';
import { failureOf } from './support/world';

const image = NodeImage.fromImage('/subscriptions/s/resourceGroups/g/images/sluice');

const deployedWhile = (failure: string) =>
  failureOf(
    () => new ElasticCluster('meet', { location: 'westeurope', domain: Domain.none(), image }),
    { failure },
  );

describe('a deployment that asks how many machines there are', () => {
  for (const answer of [
    'Status=404 Code="ResourceNotFound"',
    'RESPONSE 404: 404 Not Found ERROR CODE: ResourceGroupNotFound',
    'Code="ResourceGroupNotFound" Message="Resource group \'meet\' could not be found."',
  ]) {
    test(`begins anew at: ${answer}`, async () => {
      assert.equal(await deployedWhile(answer), '');
    });
  }

  for (const answer of [
    'Azure CLI: executable file not found in $PATH',
    'Code="SubscriptionNotFound" Message="The subscription was not found."',
    'ManagedIdentityCredential: Identity not found',
    'Status=429 Code="TooManyRequests"',
  ]) {
    test(`does not go on at: ${answer}`, async () => {
      assert.ok((await deployedWhile(answer)).includes(answer));
    });
  }
});
