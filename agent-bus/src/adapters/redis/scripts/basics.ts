/**
 * Lua: the time, the arguments, and writing that can be taken back. KEYS[1] is the hash `facts`; every other key has the same prefix and
 * with it the same hash slot. ARGV[1] is the time in unix milliseconds, empty for the server's own.
 */
export const basics = `
local facts = KEYS[1]
local prefix = string.sub(facts, 1, -6)
local ledger = prefix .. 'ledger'
local argument = 0

local function take()
  argument = argument + 1
  return ARGV[argument]
end

local function takeNumber()
  return tonumber(take())
end

-- Lua writes large numbers with an exponent
local function text(number)
  return string.format('%.0f', number)
end

-- as a member of a sorted set: members of one score are ordered as texts
local function padded(position)
  return string.format('%016.0f', position)
end

local function numeric(value)
  return tonumber(value or 0) or 0
end

local now = takeNumber()
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- appends up to three values
local function push(list, first, second, third)
  local length = #list
  list[length + 1] = first
  if second ~= nil then list[length + 2] = second end
  if third ~= nil then list[length + 3] = third end
end

-- Lua's stack does not hold arguments without end
local function callMany(call, command, key, list)
  if #list == 0 then return call(command, key) end
  local reply
  for first = 1, #list, 1000 do
    reply = call(command, key, unpack(list, first, math.min(#list, first + 999)))
  end
  return reply
end

local function readMany(command, key, list)
  local found = {}
  for first = 1, #list, 1000 do
    local part = redis.call(command, key, unpack(list, first, math.min(#list, first + 999)))
    for index = 1, #part do found[first + index - 1] = part[index] end
  end
  return found
end

local inverses = {}

-- notes how a write is taken back; for a write that may be taken back although it was not done, before it.
-- \`list\` may be a function that makes it: it is called only where something is taken back
local function inverse(command, key, list)
  inverses[#inverses + 1] = { command, key, list }
end

local function takeBack()
  for index = #inverses, 1, -1 do
    local command, key, list = unpack(inverses[index])
    callMany(redis.pcall, command, key, type(list) == 'function' and list() or list)
  end
end

local function write(command, key, list, inverseCommand, inverseList)
  if #list == 0 then return end
  inverse(inverseCommand, key, inverseList)
  callMany(redis.call, command, key, list)
end

local function writeField(key, field, value, old)
  if old then write('HSET', key, { field, value }, 'HSET', { field, old })
  else write('HSET', key, { field, value }, 'HDEL', { field }) end
end

local function removeField(key, field, old)
  write('HDEL', key, { field }, 'HSET', { field, old })
end

local function score(key, member, value)
  write('ZADD', key, { value, member }, 'ZREM', { member })
end

local function unscore(key, member, value)
  write('ZREM', key, { member }, 'ZADD', { value, member })
end

local function append(key, list, length)
  if #list == 0 then return end
  if length == 0 then inverse('DEL', key, {}) else inverse('LTRIM', key, { 0, length - 1 }) end
  callMany(redis.call, 'RPUSH', key, list)
end

local rung = {}

local function ring(queue)
  rung[#rung + 1] = queue
end

-- what is told to single instances: pairs of channel and text
local offered = {}

-- wakes those who wait, when everything is written; the server writes first to whom it was told last, and an offer is urgent
local function ringBells()
  if #rung > 0 then redis.call('PUBLISH', prefix .. 'bell', table.concat(rung, ' ')) end
  for _, offer in ipairs(offered) do redis.call('PUBLISH', offer[1], offer[2]) end
end
`;
