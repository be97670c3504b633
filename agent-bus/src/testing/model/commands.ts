import fc from 'fast-check';

/** Numbers that the run takes modulo what there is to choose from, so that any command fits any state. */
export interface ItemChoice {
  /** What is sent: something new, something known, or something known with other content. */
  readonly what: 'new' | 'known' | 'changed';
  readonly envelope: number;
  readonly queue: number;
  readonly delay: number;
}

/** An expected version of a stream: none, as it is, or one behind. */
export type ExpectChoice = 'none' | 'right' | 'wrong';

export type ModelCommand = { readonly client: number } & (
  | {
      readonly does: 'send';
      readonly items: readonly ItemChoice[];
      readonly expect: ExpectChoice;
      readonly crashAt: number;
    }
  | { readonly does: 'receive'; readonly queue: number; readonly max: number; readonly lease: number }
  | {
      readonly does: 'handOver';
      readonly sender: number;
      readonly queue: number;
      readonly count: number;
      readonly max: number;
      readonly lease: number;
    }
  | {
      readonly does: 'complete';
      readonly leases: readonly number[];
      readonly items: readonly ItemChoice[];
      readonly expect: ExpectChoice;
      readonly crashAt: number;
    }
  | { readonly does: 'reject'; readonly lease: number; readonly items: readonly ItemChoice[]; readonly crashAt: number }
  | { readonly does: 'extend'; readonly lease: number; readonly by: number }
  | { readonly does: 'release'; readonly lease: number; readonly delay: number }
  | { readonly does: 'requeue' | 'purge'; readonly letter: number; readonly crashAt: number }
  | { readonly does: 'advance'; readonly by: number }
  | { readonly does: 'restart' }
);

const number = fc.nat({ max: 1000 });
const client = number;
const item = fc.record<ItemChoice>({
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constant('new' as const) },
    { weight: 3, arbitrary: fc.constant('known' as const) },
    { weight: 1, arbitrary: fc.constant('changed' as const) },
  ),
  envelope: number,
  queue: number,
  delay: number,
});
const expect = fc.oneof(
  { weight: 4, arbitrary: fc.constant('none' as const) },
  { weight: 2, arbitrary: fc.constant('right' as const) },
  { weight: 1, arbitrary: fc.constant('wrong' as const) },
);
/** Once in ten calls the process kills itself before or after the first durable step. */
const crashAt = fc.oneof(
  { weight: 18, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constant(1) },
  { weight: 1, arbitrary: fc.constant(2) },
);
const items = (maxLength: number): fc.Arbitrary<readonly ItemChoice[]> => fc.array(item, { maxLength });
const does = <Kind extends string>(kind: Kind): fc.Arbitrary<Kind> => fc.constant(kind);

/** One step of one of the clients. */
export const command: fc.Arbitrary<ModelCommand> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      does: does('send'),
      client,
      items: fc.array(item, { minLength: 1, maxLength: 3 }),
      expect,
      crashAt,
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      does: does('receive'),
      client,
      queue: number,
      max: fc.integer({ min: 1, max: 3 }),
      lease: number,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      does: does('complete'),
      client,
      leases: fc.array(number, { minLength: 1, maxLength: 3 }),
      items: items(2),
      expect,
      crashAt,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: does('handOver'),
      client,
      sender: number,
      queue: number,
      count: fc.integer({ min: 1, max: 3 }),
      max: fc.integer({ min: 1, max: 3 }),
      lease: number,
    }),
  },
  { weight: 3, arbitrary: fc.record({ does: does('reject'), client, lease: number, items: items(1), crashAt }) },
  { weight: 2, arbitrary: fc.record({ does: does('extend'), client, lease: number, by: number }) },
  { weight: 2, arbitrary: fc.record({ does: does('release'), client, lease: number, delay: number }) },
  { weight: 2, arbitrary: fc.record({ does: does('requeue'), client, letter: number, crashAt }) },
  { weight: 1, arbitrary: fc.record({ does: does('purge'), client, letter: number, crashAt }) },
  { weight: 3, arbitrary: fc.record({ does: does('advance'), client, by: number }) },
  { weight: 1, arbitrary: fc.record({ does: does('restart'), client }) },
);
