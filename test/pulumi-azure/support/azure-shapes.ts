/**
 * What Azure's own clients say a resource looks like, read from their serializers and types: a
 * description that neither Pulumi's provider nor this project has written.
 *
 * Source: the packages @azure/arm-*, models/mappers.js, and the enums in their .d.ts.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADDED, PACKAGES, SHAPES } from './azure-shape-types';

/** As much of a serializer as is read here. Source: @azure/core-client, Mapper. */
interface Mapper {
  readonly serializedName?: string;
  readonly required?: boolean;
  readonly readOnly?: boolean;
  readonly constraints?: {
    readonly InclusiveMinimum?: number;
    readonly InclusiveMaximum?: number;
    readonly MinLength?: number;
    readonly MaxLength?: number;
    readonly Pattern?: RegExp;
  };
  readonly type: {
    readonly name: string;
    readonly className?: string;
    readonly modelProperties?: Readonly<Record<string, Mapper>>;
    /** The property that says which kind of the class it is. */
    readonly polymorphicDiscriminator?: {
      readonly serializedName: string;
      readonly clientName: string;
    };
    readonly uberParent?: string;
    readonly allowedValues?: readonly string[];
    readonly element?: Mapper;
    readonly value?: Mapper;
  };
}

const MODULES = join(__dirname, '../../../node_modules');

/** Checks inputs of resources; loads what Azure's packages say once. */
export class AzureShapes {
  readonly #mappers = new Map<string, Map<string, Mapper>>();
  readonly #known = new Map<string, KnownValues>();

  /** What of the inputs Azure would not take; undefined: nobody here describes the type. */
  problemsOf(type: string, inputs: Readonly<Record<string, unknown>>): string[] | undefined {
    const shape = SHAPES[type];
    const module = type.split(':')[1] ?? '';
    if (shape === undefined) return undefined;
    const path = new Set(['resourceGroupName', ...shape.path]);
    const body = Object.fromEntries(Object.entries(inputs).filter(([key]) => !path.has(key)));
    return this.#composite(module, shape.class, body, type.split(':')[2] ?? type);
  }

  #composite(module: string, className: string, value: unknown, where: string): string[] {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return [`${where}: ${JSON.stringify(value)} is no ${className}`];
    }
    const named = this.#classes(module).get(className);
    if (named === undefined) throw new Error(`${module} has no ${className}`);
    const mapper = this.#kindOf(module, named, value);
    if (mapper === undefined) return [`${where}: is no kind of ${className}`];
    const properties = byName(mapper);
    const problems: string[] = [];
    for (const [key, each] of Object.entries(value)) {
      const property = properties.get(key);
      const added = ADDED[`${module}.${className}`]?.[key];
      if (added !== undefined) {
        if (added !== 'any' && !added.some((one) => one === each)) {
          problems.push(`${where}.${key}: ${JSON.stringify(each)} is none of ${added.join(', ')}`);
        }
        continue;
      }
      if (property === undefined)
        problems.push(`${where}.${key}: ${className} has no such property`);
      else if (property.readOnly === true && key !== 'id') {
        problems.push(`${where}.${key}: is for Azure to say`);
      } else {
        const known = this.#knownValues(module).of(className, key);
        problems.push(...this.#value(module, property, each, `${where}.${key}`, known));
      }
    }
    for (const [key, { required }] of properties) {
      if (required === true && !(key in value)) problems.push(`${where}.${key}: is missing`);
    }
    return problems;
  }

  /** Of a class that has kinds, the one that the value says it is. */
  #kindOf(module: string, mapper: Mapper, value: object): Mapper | undefined {
    const { polymorphicDiscriminator: tell, uberParent } = mapper.type;
    if (tell === undefined) return mapper;
    const kind: unknown = Reflect.get(value, tell.clientName);
    return [...this.#classes(module).values()].find(({ serializedName, type }) => {
      return serializedName === kind && type.uberParent === (uberParent ?? mapper.type.className);
    });
  }

  #value(
    module: string,
    mapper: Mapper,
    value: unknown,
    where: string,
    known?: ReadonlySet<string>,
  ): string[] {
    const { type, constraints = {} } = mapper;
    const wrong = (what: string) => [`${where}: ${JSON.stringify(value)} is ${what}`];
    switch (type.name) {
      case 'Composite':
        return this.#composite(module, type.className ?? '', value, where);
      case 'Sequence':
        if (!Array.isArray(value)) return wrong('no list');
        return value.flatMap((each, index) =>
          type.element === undefined
            ? []
            : this.#value(module, type.element, each, `${where}.${index}`),
        );
      case 'Dictionary':
        // Pulumi's provider takes a list of ids here, and makes the keys of it that Azure wants.
        if (where.endsWith('.userAssignedIdentities') && Array.isArray(value)) return [];
        return typeof value === 'object' && !Array.isArray(value) ? [] : wrong('no object');
      case 'Enum':
        return (type.allowedValues ?? []).some((each) => each === value)
          ? []
          : wrong(`none of ${(type.allowedValues ?? []).join(', ')}`);
      case 'Number': {
        const { InclusiveMinimum: min = -Infinity, InclusiveMaximum: max = Infinity } = constraints;
        if (typeof value !== 'number') return wrong('no number');
        return value >= min && value <= max ? [] : wrong(`not within ${min} to ${max}`);
      }
      case 'Boolean':
        return typeof value === 'boolean' ? [] : wrong('neither true nor false');
      case 'String':
        if (typeof value !== 'string') return wrong('no text');
        if (constraints.Pattern && !constraints.Pattern.test(value))
          return wrong('not of the form');
        if (known && !known.has(value)) return wrong(`none of ${[...known].join(', ')}`);
        return [];
      case 'TimeSpan':
        return /^P(?=[\dT])(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?$/.test(String(value))
          ? []
          : wrong('no duration of ISO 8601');
      case 'Uuid':
        return /^[0-9a-f-]{36}$/i.test(String(value)) ? [] : wrong('no UUID');
      default:
        return [];
    }
  }

  #classes(module: string): Map<string, Mapper> {
    const loaded = this.#mappers.get(module);
    if (loaded) return loaded;
    const file = PACKAGES[module]?.mappers ?? '';
    const exported = require(join(MODULES, file)) as Record<string, Mapper>;
    const classes = new Map<string, Mapper>();
    for (const mapper of Object.values(exported)) {
      const name = mapper?.type?.className;
      if (name !== undefined) classes.set(name, mapper);
    }
    this.#mappers.set(module, classes);
    return classes;
  }

  #knownValues(module: string): KnownValues {
    const loaded = this.#known.get(module);
    if (loaded) return loaded;
    const known = new KnownValues(
      readFileSync(join(MODULES, PACKAGES[module]?.types ?? ''), 'utf8'),
    );
    this.#known.set(module, known);
    return known;
  }
}

/** By the name that Azure's API has, which Pulumi's provider keeps. */
function byName({ type }: Mapper): Map<string, Mapper> {
  const names = new Map<string, Mapper>();
  for (const [key, property] of Object.entries(type.modelProperties ?? {})) {
    names.set(key, property);
    // What is within `properties` there is beside it here.
    const own = property.serializedName?.replaceAll('\\.', '\u0000').split('.').at(-1);
    if (own !== undefined && property.serializedName?.startsWith('properties.')) {
      names.set(own.replaceAll('\u0000', '.'), property);
    }
  }
  return names;
}

/** Values of texts that Azure may add to, but has not: by class and property, from the types. */
class KnownValues {
  readonly #enums = new Map<string, ReadonlySet<string>>();
  readonly #properties = new Map<string, string>();

  constructor(types: string) {
    for (const [, name = '', body = ''] of types.matchAll(
      /declare enum Known(\w+) \{(.*?)\n\}/gs,
    )) {
      this.#enums.set(
        name,
        new Set([...body.matchAll(/ = "([^"]*)"/g)].map(([, text = '']) => text)),
      );
    }
    for (const [, name = '', body = ''] of types.matchAll(
      /interface (\w+)(?: extends [\w, ]+)? \{(.*?)\n\}/gs,
    )) {
      for (const [, property = '', type = ''] of body.matchAll(/^ {4}(\w+)\??: (\w+);$/gm)) {
        this.#properties.set(`${name}.${property}`, type);
      }
    }
  }

  of(className: string, property: string): ReadonlySet<string> | undefined {
    return this.#enums.get(this.#properties.get(`${className}.${property}`) ?? '');
  }
}
