/** What docs/aws.md and README.md say of AWS is what the templates are. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runnable } from '../docs/support/pages';
import { bootWaitsOf, criticalPath, drawn, schedule } from './support/critical-path';
import { readGolden } from './support/golden';
import { SHIPPED } from './support/shipped';

const REPOSITORY = join(__dirname, '../..');
const page = readFileSync(join(REPOSITORY, 'docs/aws.md'), 'utf8');

for (const name of SHIPPED) {
  test(`the way of a deployment of ${name} is drawn as its template has it`, () => {
    const template = readGolden(`${name}.template.yaml`);
    const path = drawn(criticalPath(schedule(template, bootWaitsOf(template))));
    const block = `\`${name}\`:\n\n\`\`\`\n${path}\n\`\`\`\n`;
    assert.ok(page.includes(block), `docs/aws.md shall have:\n${block}`);
  });
}

test('nothing in a deployment waits for a machine but what has to', () => {
  for (const name of SHIPPED) {
    const template = readGolden(`${name}.template.yaml`);
    const steps = schedule(template, bootWaitsOf(template));
    const groups = [...steps.values()].filter(
      ({ type }) => type === 'AWS::AutoScaling::AutoScalingGroup',
    );
    const ends = groups.map(({ end }) => end);
    for (const { id, begin } of groups) {
      assert.ok(begin < Math.min(...ends), `${id} waits for another group`);
    }
  }
});

test('the table of parameters is that of the template', () => {
  const { Parameters = {} } = readGolden('SluiceElastic.template.yaml');
  const names = Object.keys(Parameters).filter((name) => name.startsWith('MediaNodes'));
  assert.equal(names.length, 8);
  for (const name of names) {
    assert.ok(page.includes(`| \`${name}\` | ${Parameters[name]?.['Default']} |`), name);
  }
});

test('the outputs that are named are there', () => {
  const { Outputs = {} } = readGolden('SluiceElastic.template.yaml');
  for (const name of ['Url', 'ApiKeySecret', 'LoadBalancerName']) {
    assert.ok(page.includes(`\`${name}\``), name);
    assert.ok(Object.hasOwn(Outputs, name), name);
  }
});

describe('the snippets synthesize', () => {
  const folder = join(REPOSITORY, 'out', `snippets-${process.pid}`);
  before(() => mkdirSync(folder, { recursive: true }));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const snippets = runnable('ts').filter(({ text }) => text.includes("'@sluice/constructs'"));
  assert.ok(snippets.length >= 2);
  for (const { page: of, line, text } of snippets) {
    test(`${of}:${line}`, () => {
      const file = join(folder, `${line}.ts`);
      writeFileSync(file, text.replace("'@sluice/constructs'", "'../../constructs/index'"));
      const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', file], {
        cwd: REPOSITORY,
        encoding: 'utf8',
        // As the CDK CLI does: the app is synthesized when it has been defined.
        env: { ...process.env, CDK_VALIDATION: 'false', CDK_OUTDIR: join(folder, `${line}.out`) },
      });
      assert.equal(status, 0, stderr);
      const manifest = readFileSync(join(folder, `${line}.out`, 'manifest.json'), 'utf8');
      assert.ok(JSON.parse(manifest).artifacts['Meet']);
    });
  }
});
