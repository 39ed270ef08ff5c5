/** A program of a few lines by somebody else, who has this package beside it. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkoutAt } from './checkout';
import { PulumiProject } from './pulumi-project';

const OUT = join(__dirname, '../../../../out');

const PROJECT = `name: other
runtime:
  name: nodejs
  options:
    typescript: false
    nodeargs: --import tsx
main: index.ts
`;

/** The stack is `other`, and the region West Europe. */
export class OwnProgram {
  readonly pulumi: PulumiProject;
  readonly #folder: string;

  constructor() {
    mkdirSync(OUT, { recursive: true });
    const scratch = mkdtempSync(join(OUT, 'pulumi-program-'));
    checkoutAt(join(scratch, 'checkout'));
    this.#folder = join(scratch, 'program');
    mkdirSync(this.#folder);
    writeFileSync(join(this.#folder, 'Pulumi.yaml'), PROJECT);
    this.pulumi = new PulumiProject(scratch, this.#folder);
    this.pulumi.must('stack', 'init', 'other');
    this.pulumi.must('config', 'set', 'azure-native:location', 'westeurope');
  }

  /**
   * What the program is from now on.
   *
   * @param options As TypeScript. `later(value)` is an Input: known when the program runs, not before.
   */
  write(kind: string, options: string): void {
    const text = `import * as pulumi from '@pulumi/pulumi';
import * as sluice from '../checkout/pulumi-azure';
const { ClusterEntry, Domain, Jobs, NodeImage, Recordings } = sluice;
const later = (value: unknown) => pulumi.output(Promise.resolve(value)) as never;
const node = new sluice.${kind}('meet', { ${options} });
export const url = node.url;
`;
    writeFileSync(join(this.#folder, 'index.ts'), text);
  }

  close(): void {
    this.pulumi.close();
  }
}
