import { createProgramStarter, type ProgramStarter } from '../programs/program-starter.ts';

export interface ReadyProgramStarter extends AsyncDisposable {
  readonly starter: ProgramStarter;
  /** What it said of its process so far. */
  readonly told: { readonly event: string; readonly details: Readonly<Record<string, unknown>> }[];
  /** The process id of its process at present, once that takes orders. */
  readonly pid: () => Promise<number>;
}

/** A starter whose process takes orders. */
export async function readyProgramStarter(): Promise<ReadyProgramStarter> {
  const starter = createProgramStarter();
  const told: ReadyProgramStarter['told'] = [];
  let ready = Promise.withResolvers<number>();
  starter.start((event, details) => {
    told.push({ event, details });
    if (event === 'program-starter-started') ready.resolve(Number(details['pid']));
    else ready = Promise.withResolvers();
  });
  await ready.promise;
  return { starter, told, pid: () => ready.promise, [Symbol.asyncDispose]: () => starter.close() };
}
