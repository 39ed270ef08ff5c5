import { z } from 'zod';
import type { Asked } from '../../../findings/asked';
import { type Finding, findingsOf } from '../../../findings/finding';
import { ask, uncheckedBy } from './ask';
import { type Check, isHere, type PreflightContext } from './context';
import type { MachineSizes } from './machine-sizes';
import type { PreflightQuestion } from './question';

const TITLE = 'Image';
const { ok, failed } = findingsOf(TITLE);
const API = '2024-07-01';
const GALLERY_API = '2023-07-03';
const VERSION =
  /^(.+\/providers\/Microsoft\.Compute\/galleries\/[^/]+\/images\/[^/]+)\/versions\/[^/]+$/i;
const MANAGED = /\/providers\/Microsoft\.Compute\/images\/[^/]+$/i;

const PLAN = z.object({ publisher: z.string(), product: z.string(), name: z.string() });
const MARKET = z.object({ properties: z.object({ plan: PLAN.optional() }) });

/** Source: REST reference, "Virtual Machine Images"; "Marketplace Agreements - Get". */
export const checkImage: Check = async (context) => {
  const { image } = context.question;
  if (image === undefined) {
    const urns = [...debianUrns(context)];
    return Promise.all(urns.map((urn) => checkUrn(context, urn)));
  }
  if (!image.startsWith('/')) return [await checkUrn(context, image)];
  const gallery = VERSION.exec(image)?.[1];
  if (gallery !== undefined) return [await checkGallery(context, image, gallery)];
  if (MANAGED.test(image)) return [await checkManaged(context, image)];
  return [
    failed(
      `${image} is no image that machines boot`,
      'Give a version of a gallery, /subscriptions/ID/.../galleries/NAME/images/NAME/versions/1.0.0, a managed image, or a URN.',
    ),
  ];
};

/** Debian for each kind of processor that the sizes have. */
function debianUrns({ sizes, question }: PreflightContext): ReadonlySet<string> {
  const isArm = ([name = '', arm = false]: readonly [string?, boolean?]) => arm || /\dp/.test(name);
  const known: MachineSizes = 'answer' in sizes ? sizes.answer : new Map();
  return new Set(
    namesOf(question).map((name) => {
      const size = known.get(name.toLowerCase());
      const arm = size === undefined ? isArm([name]) : size.architecture === 'Arm64';
      return `Debian:debian-12:${arm ? '12-arm64' : '12-gen2'}:latest`;
    }),
  );
}

/** The sizes that are asked for. */
export const namesOf = ({ vmSize, masterVmSize, masters }: PreflightQuestion): readonly string[] =>
  masters === 0 ? [vmSize] : [vmSize, masterVmSize];

async function checkUrn({ arm, root, caller }: PreflightContext, urn: string): Promise<Finding> {
  const [publisher, offer, sku, version] = urn.split(':');
  const versions = `${root}/providers/Microsoft.Compute/locations/${caller.location}/publishers/${publisher}/artifacttypes/vmimage/offers/${offer}/skus/${sku}/versions`;
  const asked = await ask(async () => {
    const newest = z.array(z.object({ name: z.string() }));
    // That answer is a list without a page around it.
    const named = version === 'latest' ? await arm.find(newest, versions, API) : undefined;
    const one = version === 'latest' ? named?.at(-1)?.name : version;
    return one === undefined ? undefined : arm.find(MARKET, `${versions}/${one}`, API);
  });
  if (!('answer' in asked)) {
    return uncheckedBy(TITLE, asked, 'Microsoft.Compute/locations/publishers/.../versions/read');
  }
  if (asked.answer === undefined) {
    return failed(
      `the region has no ${urn}`,
      `See which there are: az vm image list --all --location ${caller.location} --publisher ${publisher} --query "[].urn"`,
    );
  }
  const { plan } = asked.answer.properties;
  if (plan === undefined) return ok(`${urn}, without a plan`);
  return judgePlan(urn, plan, await termsOf({ arm, root }, plan));
}

function judgePlan(what: string, plan: z.infer<typeof PLAN>, terms: Asked<boolean>): Finding {
  const name = `${plan.publisher}:${plan.product}:${plan.name}`;
  if (!('answer' in terms)) {
    return uncheckedBy(TITLE, terms, 'Microsoft.MarketplaceOrdering/offertypes/.../read');
  }
  if (!terms.answer) {
    return failed(
      `${what} has the plan ${name}, whose terms nobody has accepted in the subscription`,
      `Read and accept them: az vm image terms accept --publisher ${plan.publisher} --offer ${plan.product} --plan ${plan.name}`,
    );
  }
  return failed(
    `${what} has the plan ${name}, which the components do not say when they make machines`,
    'Take an image without a plan, such as Debian:debian-12:12-gen2:latest.',
  );
}

function termsOf(
  { arm, root }: Pick<PreflightContext, 'arm' | 'root'>,
  { publisher, product, name }: z.infer<typeof PLAN>,
): Promise<Asked<boolean>> {
  return ask(async () => {
    const agreement = await arm.get(
      z.object({ properties: z.object({ accepted: z.boolean().default(false) }) }),
      `${root}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/${publisher}/offers/${product}/plans/${name}/agreements/current`,
      '2021-01-01',
    );
    return agreement.properties.accepted;
  });
}

async function checkGallery(
  context: PreflightContext,
  id: string,
  definition: string,
): Promise<Finding> {
  const { arm, caller } = context;
  const asked = await ask(async () => {
    const [version, image] = await Promise.all([
      arm.find(GALLERY_VERSION, id, GALLERY_API),
      arm.find(GALLERY_IMAGE, definition, GALLERY_API),
    ]);
    return version === undefined || image === undefined ? undefined : { version, image };
  });
  if (!('answer' in asked)) {
    return uncheckedBy(TITLE, asked, 'Microsoft.Compute/galleries/images/versions/read');
  }
  if (asked.answer === undefined) return none(id);
  const { version, image } = asked.answer;
  const regions = version.properties.publishingProfile.targetRegions.map(({ name }) => name);
  const { osState, hyperVGeneration, architecture, purchasePlan } = image.properties;
  const wrong = namesOf(context.question).filter((name) => {
    const size = 'answer' in context.sizes && context.sizes.answer.get(name.toLowerCase());
    return size && size.architecture.toLowerCase() !== architecture.toLowerCase();
  });
  if (!regions.some((region) => isHere(region, caller))) {
    return failed(
      `it is in ${regions.join(', ')}, and not in ${caller.location}`,
      'Replicate it: az sig image-version update --add publishingProfile.targetRegions name=REGION',
    );
  }
  if (osState !== 'Generalized' || hyperVGeneration !== 'V2') {
    return failed(
      `it is ${osState}, of generation ${hyperVGeneration}; it has to be Generalized, of generation V2`,
      'Make one anew: az sig image-definition create --os-state Generalized --hyper-v-generation V2',
    );
  }
  if (wrong.length > 0) {
    return failed(
      `it is for ${architecture}, and ${wrong.join(', ')} is not`,
      'Take a size of its processor, or an image for the other one.',
    );
  }
  if (purchasePlan !== undefined) {
    return failed(
      'it has a purchase plan, which the components do not say when they make machines',
      'Take an image without a plan.',
    );
  }
  return ok(`${id.split('/').slice(-3).join(' ')}, for ${architecture}`);
}

const GALLERY_VERSION = z.object({
  properties: z.object({
    publishingProfile: z.object({
      targetRegions: z.array(z.object({ name: z.string() })).default([]),
    }),
  }),
});
const GALLERY_IMAGE = z.object({
  properties: z.object({
    osState: z.string(),
    hyperVGeneration: z.string().default('V1'),
    architecture: z.string().default('x64'),
    purchasePlan: z.unknown().optional(),
  }),
});

async function checkManaged({ arm, caller }: PreflightContext, id: string): Promise<Finding> {
  const asked = await ask(() =>
    arm.find(
      z.object({
        location: z.string(),
        properties: z.object({ hyperVGeneration: z.string().default('V1') }),
      }),
      id,
      API,
    ),
  );
  if (!('answer' in asked)) return uncheckedBy(TITLE, asked, 'Microsoft.Compute/images/read');
  if (asked.answer === undefined) return none(id);
  const { location, properties } = asked.answer;
  if (isHere(location, caller)) {
    return ok(`${id.split('/').at(-1)}, of generation ${properties.hyperVGeneration}`);
  }
  return failed(
    `it is in ${location}, and managed images are of one region`,
    'Put it into a gallery, which replicates: az sig image-version create --managed-image',
  );
}

const none = (id: string): Finding =>
  failed(`there is no ${id}`, 'See its id: az sig image-version list, or az image list');
