/** What Azure's documentation says and its clients do not check. Pure. */
import { at, listAt } from './read';

type Inputs = Readonly<Record<string, unknown>>;

const DURATION = /^PT(?:\d+H)?(?:\d+M)?(?:\d+S)?$/;

/** What of the inputs Azure would not take. */
export function ruleProblems(type: string, inputs: Inputs): string[] {
  return (RULES[type] ?? []).flatMap((rule) => rule(inputs));
}

const RULES: Readonly<Record<string, readonly ((inputs: Inputs) => string[])[]>> = {
  'azure-native:network:NetworkSecurityGroup': [priorities, ports, wholeRules],
  'azure-native:compute:VirtualMachineScaleSet': [flexible, notice, setName],
  'azure-native:keyvault:Vault': [vaultName],
  'azure-native:storage:StorageAccount': [accountName],
  'azure-native:network:LoadBalancer': [idleTimes, references, wholeRules],
};

/** learn.microsoft.com, "Network security groups": 100 to 4096, each once for a direction. */
function priorities(inputs: Inputs): string[] {
  const all = listAt(inputs, 'securityRules').map((rule) => Number(at(rule, 'priority')));
  const outside = all.filter((each) => !(each >= 100 && each <= 4096));
  return [
    ...outside.map((each) => `priority ${each} is not within 100 to 4096`),
    ...(new Set(all).size === all.length ? [] : ['two rules of one priority']),
  ];
}

/** REST reference, SecurityRulePropertiesFormat and LoadBalancingRulePropertiesFormat: required. */
function wholeRules(inputs: Inputs): string[] {
  const needed: Readonly<Record<string, readonly string[]>> = {
    securityRules: ['protocol', 'access', 'priority', 'direction'],
    loadBalancingRules: ['protocol', 'frontendPort'],
  };
  return Object.entries(needed).flatMap(([list, keys]) =>
    listAt(inputs, list).flatMap((rule) =>
      keys.filter((key) => at(rule, key) === undefined).map((key) => `a rule without ${key}`),
    ),
  );
}

/** The same: a port, a range such as 10000-10005, or all. */
function ports(inputs: Inputs): string[] {
  return listAt(inputs, 'securityRules').flatMap((rule) => {
    const text = String(at(rule, 'destinationPortRange'));
    if (text === '*') return [];
    const [start = Number.NaN, end = start] = text.split('-').map(Number);
    return start >= 0 && end >= start && end <= 65_535 ? [] : [`${text} is no range of ports`];
  });
}

/** learn.microsoft.com, "Orchestration modes": what a Flexible set has to say, and cannot have. */
function flexible(inputs: Inputs): string[] {
  const profile = 'virtualMachineProfile.networkProfile';
  return [
    ...(at(inputs, 'orchestrationMode') === 'Flexible' ? [] : ['not Flexible']),
    ...(at(inputs, 'platformFaultDomainCount') === 1 ? [] : ['more fault domains than 1 in zones']),
    ...(at(inputs, 'singlePlacementGroup') === false ? [] : ['a placement group']),
    ...(at(inputs, 'overprovision') === undefined ? [] : ['overprovision is for Uniform sets']),
    ...(at(inputs, 'identity.type') === 'UserAssigned' ? [] : ['an identity of the system']),
    ...(at(inputs, `${profile}.networkApiVersion`) === '2020-11-01'
      ? []
      : ['no networkApiVersion']),
  ];
}

/** learn.microsoft.com, "Terminate notification": 5 to 15 minutes, ISO 8601. */
function notice(inputs: Inputs): string[] {
  const path = 'virtualMachineProfile.scheduledEventsProfile.terminateNotificationProfile';
  const time = at(inputs, `${path}.notBeforeTimeout`);
  if (time === undefined) return [];
  const minutes = Number(/^PT(\d+)M$/.exec(String(time))?.[1]);
  return DURATION.test(String(time)) && minutes >= 5 && minutes <= 15
    ? []
    : [`${String(time)} is not PT5M to PT15M`];
}

/** learn.microsoft.com, "Naming rules", Microsoft.Compute: 1 to 64 for Linux. */
function setName(inputs: Inputs): string[] {
  const name = String(inputs['vmScaleSetName']);
  const prefix = String(at(inputs, 'virtualMachineProfile.osProfile.computerNamePrefix'));
  return [
    ...(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/i.test(name)
      ? []
      : [`${name} is no name of a set`]),
    ...(/^[a-z][a-z0-9-]{0,8}$/i.test(prefix) ? [] : [`${prefix} is no prefix of a computer name`]),
  ];
}

/** The same, Microsoft.KeyVault: 3 to 24, a letter first, no two hyphens in a row. */
function vaultName(inputs: Inputs): string[] {
  const name = String(inputs['vaultName']);
  const holds = /^[a-z][a-z0-9-]{1,22}[a-z0-9]$/i.test(name) && !name.includes('--');
  return holds ? [] : [`${name} is no name of a vault`];
}

/** The same, Microsoft.Storage: 3 to 24 small letters and digits. */
function accountName(inputs: Inputs): string[] {
  const name = String(inputs['accountName']);
  return /^[a-z0-9]{3,24}$/.test(name) ? [] : [`${name} is no name of a storage account`];
}

/** learn.microsoft.com, "Load Balancer TCP reset and idle timeout": 4 to 100 minutes. */
function idleTimes(inputs: Inputs): string[] {
  return listAt(inputs, 'loadBalancingRules').flatMap((rule) => {
    const minutes = Number(at(rule, 'idleTimeoutInMinutes'));
    return minutes >= 4 && minutes <= 100 ? [] : [`${minutes} minutes are not within 4 to 100`];
  });
}

/** What rules name has to be in the same load balancer. */
function references(inputs: Inputs): string[] {
  const names = (list: string, kind: string) =>
    listAt(inputs, list).map((each) => `${kind}/${String(at(each, 'name'))}`);
  const own = new Set([
    ...names('frontendIPConfigurations', 'frontendIPConfigurations'),
    ...names('backendAddressPools', 'backendAddressPools'),
    ...names('probes', 'probes'),
  ]);
  return listAt(inputs, 'loadBalancingRules').flatMap((rule) =>
    ['frontendIPConfiguration', 'backendAddressPool', 'probe'].flatMap((key) => {
      const id = String(at(rule, `${key}.id`));
      const end = id.split('/').slice(-2).join('/');
      return own.has(end) && id.includes(`/loadBalancers/${String(inputs['loadBalancerName'])}/`)
        ? []
        : [`${id} is not in the load balancer`];
    }),
  );
}
