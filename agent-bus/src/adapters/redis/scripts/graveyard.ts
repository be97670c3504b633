import { defineScript } from './script.ts';

/** Lua: the dead letters, in one hash by the id of their notice: `queue|position|count|buried at|error`. */
const burial = `
local dead = prefix .. 'dead'

local function letterOf(value)
  local queue, position, count, at, problem = string.match(value, '^([^|]*)|(%d+)|(%d+)|(%d+)|(.*)$')
  return { queue = queue, position = position, count = count, at = at, problem = problem }
end
`;

/** For each dead letter: id, queue, count, error, buried at, and its entry. */
export const deadLettersScript = defineScript(
  'dead-letters',
  `${burial}
local function step()
  local reply, all = {}, redis.call('HGETALL', dead)
  for index = 1, #all, 2 do
    local letter = letterOf(all[index + 1])
    local entry = entryAt(letter.position)
    if not entry then error('LOST entry ' .. letter.position .. ' of the ledger') end
    push(reply, all[index], letter.queue, letter.count)
    push(reply, letter.problem, letter.at)
    pushEntry(reply, entry)
  end
  return { 'done', reply }
end
`,
);

/** Argument: id of a dead letter. It goes to the end of its queue. */
export const requeueScript = defineScript(
  'requeue',
  `${burial}
local function step()
  local id = take()
  local value = redis.call('HGET', dead, id)
  if not value then return { 'unknown' } end
  local letter = letterOf(value)
  local record = recordsOf(letter.queue, { letter.position })[1]
  local last = redis.call('HGET', facts, 'last')
  record.state, record.place, record.due, record.count = 'w', tonumber(last) + 1, 0, 0
  record.token, record.receipt = '', ''
  removeField(dead, id, value)
  writeField(facts, 'last', text(record.place), last)
  score(prefix .. 'back:' .. letter.queue, padded(record.position), text(record.place))
  keep(letter.queue, { record })
  ring(letter.queue)
  ringBells()
  return { 'done' }
end
`,
);

/** Argument: id of a dead letter. */
export const purgeScript = defineScript(
  'purge',
  `${burial}
local function step()
  local id = take()
  local value = redis.call('HGET', dead, id)
  if not value then return { 'unknown' } end
  local letter = letterOf(value)
  local record = recordsOf(letter.queue, { letter.position })[1]
  record.state = 'p'
  removeField(dead, id, value)
  keep(letter.queue, { record })
  return { 'done' }
end
`,
);
