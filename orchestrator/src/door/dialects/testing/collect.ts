/** All that comes, in its order. */
export async function collect<Value>(values: AsyncIterable<Value>): Promise<readonly Value[]> {
  const all: Value[] = [];
  for await (const value of values) all.push(value);
  return all;
}

/** What a promise was broken with; an error where it was kept. */
export async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  const kept = new Error('nothing was thrown');
  const thrown: unknown = await promise.then(
    () => kept,
    (cause: unknown) => cause,
  );
  if (thrown === kept) throw kept;
  return thrown;
}
