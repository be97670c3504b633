import { defineScript } from './script.ts';

/** Lua: an import fills keys of its own, and one last script gives them their names. The set `keys` knows them all. */
const importing = `
local imports = prefix .. 'imports'

local function draft(id, name)
  return prefix .. 'import:' .. id .. ':' .. name
end

local function known()
  local last = redis.call('HGET', facts, 'last')
  if not last then return nil end
  return redis.call('XLEN', ledger) + redis.call('HLEN', prefix .. 'forgotten')
end

local function removeDrafts(id)
  local keys = redis.call('SMEMBERS', draft(id, 'keys'))
  for _, name in ipairs(keys) do redis.call('UNLINK', draft(id, name)) end
  redis.call('UNLINK', draft(id, 'keys'))
  redis.call('HDEL', imports, id)
end
`;

/** Arguments: id of the import, token of this process. Answers how much the bus holds, and the id and token of every import under way. */
export const importBeginScript = defineScript(
  'import-begin',
  `${importing}
local function step()
  local id, token = take(), take()
  local held = known()
  if held then return { 'full', held } end
  local others = redis.call('HGETALL', imports)
  redis.call('HSET', imports, id, token)
  return { 'done', others }
end
`,
);

/** Arguments: id of the import, number of the batch from 1, number of commands, each as its name, its key, how many arguments, arguments. */
export const importWriteScript = defineScript(
  'import-write',
  `${importing}
local function step()
  local id, batch = take(), takeNumber()
  if redis.call('HEXISTS', imports, id) == 0 then return { 'gone' } end
  local done = numeric(redis.call('HGET', draft(id, 'progress'), 'batch'))
  if batch <= done then return { 'done' } end
  redis.call('SADD', draft(id, 'keys'), 'progress')
  for _ = 1, takeNumber() do
    local command, name, list = take(), take(), {}
    for index = 1, takeNumber() do list[index] = take() end
    redis.call('SADD', draft(id, 'keys'), name)
    callMany(redis.call, command, draft(id, name), list)
  end
  redis.call('HSET', draft(id, 'progress'), 'batch', batch)
  return { 'done' }
end
`,
);

/** Arguments: id of the import, its last position. */
export const importFinishScript = defineScript(
  'import-finish',
  `${importing}
local function step()
  local id, last = take(), take()
  if redis.call('HGET', facts, 'imported') == id then return { 'done' } end
  local held = known()
  if held then return { 'full', held } end
  if redis.call('HEXISTS', imports, id) == 0 then return { 'gone' } end
  for _, name in ipairs(redis.call('SMEMBERS', draft(id, 'keys'))) do
    if name ~= 'progress' then
      redis.call('RENAME', draft(id, name), prefix .. name)
      inverse('RENAME', prefix .. name, { draft(id, name) })
    end
  end
  writeField(facts, 'imported', id, nil)
  if last ~= '0' then writeField(facts, 'last', last, nil) end
  ring(':entries')
  for _, queue in ipairs(redis.call('SMEMBERS', prefix .. 'queues')) do ring(queue) end
  ringBells()
  -- what is left over harms nobody: from here on it goes forward only
  inverses = {}
  redis.call('UNLINK', draft(id, 'keys'), draft(id, 'progress'))
  redis.call('HDEL', imports, id)
  return { 'done' }
end
`,
);

/** Arguments: ids of imports that are given up. */
export const importAbandonScript = defineScript(
  'import-abandon',
  `${importing}
local function step()
  for _ = 1, takeNumber() do removeDrafts(take()) end
  return { 'done' }
end
`,
);
