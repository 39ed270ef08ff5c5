/** Texts of a template as they are on machines. */
import type { TemplateJson } from './golden';

/** boot.json in user data. */
export function bootFileIn(text: string): string {
  return /<<'END_OF_BOOT_JSON'\n([\s\S]*?)\nEND_OF_BOOT_JSON/.exec(text)?.[1] ?? '';
}

/** The user data of each launch template, by its logical id. */
export function userData({ Resources, Parameters }: TemplateJson): [string, string][] {
  return Object.entries(Resources)
    .filter(([, { Type }]) => Type === 'AWS::EC2::LaunchTemplate')
    .map(([id, { Properties }]) => {
      const data = Properties?.['LaunchTemplateData'] as { UserData: { 'Fn::Base64': unknown } };
      return [id, deployed(data.UserData['Fn::Base64'], Parameters)];
    });
}

/** Each sluice.yaml, by the logical id of its parameter. */
export function configurations({ Resources, Parameters }: TemplateJson): [string, string][] {
  return Object.entries(Resources)
    .filter(([, { Type }]) => Type === 'AWS::SSM::Parameter')
    .map(([id, { Properties }]) => [id, deployed(Properties?.['Value'], Parameters)]);
}

/** As CloudFormation would make it with the defaults; what is known only then is some text. */
export function deployed(value: unknown, parameters: TemplateJson['Parameters'] = {}): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return 'x';
  const [[name, inner] = ['', '']] = Object.entries(value);
  if (name === 'Fn::Join' && Array.isArray(inner)) {
    return (inner[1] as unknown[]).map((each) => deployed(each, parameters)).join(String(inner[0]));
  }
  if (name === 'Fn::GetAtt' && String((inner as string[])[1]).startsWith('Cidr')) {
    return '10.0.0.0/16';
  }
  // Of resources only a queue has a reference that is looked into.
  if (name === 'Ref' && /Notices[0-9A-F]{8}$/.test(String(inner))) return 'https://sqs.example/q';
  const byDefault = name === 'Ref' ? parameters[String(inner)]?.['Default'] : undefined;
  return byDefault === undefined ? 'some-value' : String(byDefault);
}
