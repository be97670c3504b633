import { busErrors, type AgentBus } from '@agentcompany/agent-bus';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { CompanyBus } from '../bus-facade.ts';
import { facadeErrors } from './errors.ts';

/** What a person does about dead letters. */
export function openDeadLetters(bus: AgentBus): Pick<CompanyBus, 'requeue' | 'requeueAll' | 'purgeDeadLetter'> {
  const acting = async (given: string, act: (id: string) => Promise<Result<undefined>>): Promise<Result<string>> => {
    const id = await findDeadLetter(bus, given);
    if (!id.ok) return id;
    const acted = await act(id.value);
    return acted.ok ? id : acted;
  };
  return {
    requeue: (given) => acting(given, (id) => bus.requeue(id)),
    purgeDeadLetter: (given) => acting(given, (id) => bus.purge(id)),
    requeueAll: () => requeueAll(bus),
  };
}

async function findDeadLetter(bus: AgentBus, given: string): Promise<Result<string>> {
  const dead = await bus.deadLetters();
  if (!dead.ok) return dead;
  const ids = dead.value.map(({ id }) => id).filter((id) => given !== '' && id.startsWith(given));
  if (ids.length > 1)
    return failure(facadeErrors.AC_DEAD_LETTER_AMBIGUOUS({ id: given, candidates: ids.slice(0, 2).join(', ') }));
  const [id] = ids;
  return id === undefined ? failure(busErrors.AC_BUS_UNKNOWN_DEAD_LETTER({ id: given })) : success(id);
}

async function requeueAll(bus: AgentBus): Promise<Result<readonly string[]>> {
  const dead = await bus.deadLetters();
  if (!dead.ok) return dead;
  const requeued: string[] = [];
  for (const { id } of dead.value.toSorted((left, right) => left.buriedAt.localeCompare(right.buriedAt))) {
    const one = await bus.requeue(id);
    if (one.ok) requeued.push(id);
    // Somebody else has requeued or purged it meanwhile.
    else if (one.error.code !== 'AC_BUS_UNKNOWN_DEAD_LETTER') return one;
  }
  return success(requeued);
}
