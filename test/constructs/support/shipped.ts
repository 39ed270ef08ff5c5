/** The three stacks that are shipped, synthesized in this process. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ElasticStack, HighAvailabilityStack, SingleNodeStack } from '../../../bin/cluster-stacks';
import type { TemplateJson } from './golden';
import './stacks';

export const SHIPPED = ['SluiceSingleNode', 'SluiceElastic', 'SluiceHighAvailability'] as const;
export type Shipped = (typeof SHIPPED)[number];

const CLASSES = {
  SluiceSingleNode: SingleNodeStack,
  SluiceElastic: ElasticStack,
  SluiceHighAvailability: HighAvailabilityStack,
} as const;

/** The app as the CDK CLI runs it, with the flags of cdk.json. */
export function shippedApp(): App {
  const { context } = JSON.parse(readFileSync(join(__dirname, '../../../cdk.json'), 'utf8'));
  return new App({ analyticsReporting: false, context });
}

export function shippedStack(name: Shipped, app = shippedApp()): Stack {
  return new CLASSES[name](app, name);
}

export function shippedTemplate(name: Shipped): TemplateJson {
  return Template.fromStack(shippedStack(name)).toJSON() as TemplateJson;
}
