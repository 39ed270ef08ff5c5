/** Runs cdk-nag over an app. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';

/** A rule that a resource does not keep. */
export interface Finding {
  /** Such as `AwsSolutions-IAM5[Resource::*]`. */
  readonly rule: string;
  readonly path: string;
}

/** @param define - puts stacks into the app */
export function nag(context: Record<string, unknown>, define: (app: App) => void): Finding[] {
  const outdir = mkdtempSync(join(tmpdir(), 'sluice-nag-'));
  const before = process.env['CDK_VALIDATION'];
  try {
    // Other tests switch off what takes long; here it is what is wanted.
    process.env['CDK_VALIDATION'] = 'true';
    const app = new App({ analyticsReporting: false, context, outdir });
    define(app);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    try {
      app.synth();
    } catch {
      // It fails for what it finds, and the report has all of it.
    }
    return findingsIn(JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8')));
  } finally {
    if (before === undefined) delete process.env['CDK_VALIDATION'];
    else process.env['CDK_VALIDATION'] = before;
    rmSync(outdir, { recursive: true, force: true });
  }
}

interface Report {
  readonly pluginReports: readonly {
    readonly violations: readonly {
      readonly ruleName: string;
      readonly violatingConstructs: readonly { readonly constructPath?: string }[];
    }[];
  }[];
}

function findingsIn(report: Report): Finding[] {
  return report.pluginReports.flatMap(({ violations }) =>
    violations.flatMap(({ ruleName, violatingConstructs }) =>
      violatingConstructs.map(({ constructPath = '' }) => ({
        rule: ruleName,
        path: constructPath,
      })),
    ),
  );
}
